/** Figures and names as people read them. */

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** Bytes with a unit, in three digits. */
export function size(bytes) {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** Milliseconds as `45 s`, `3 min 20 s`, `2 h 5 min`, `4 d`. */
export function duration(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 600) return s % 60 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${s / 60} min`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`;
  return `${Math.floor(s / 86_400)} d`;
}

/** How long ago a time was. */
export function age(time, now = Date.now()) {
  const ms = now - Date.parse(time);
  if (ms < 5_000) return "just now";
  const step = ms < 60_000 ? 5_000 : 60_000;
  return `${duration(Math.floor(ms / step) * step)} ago`;
}

/** A time in the reader's own zone. */
export function when(time) {
  return new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

/** A time of day in the reader's own zone. */
export function clock(time) {
  return new Date(time).toLocaleTimeString();
}

/** A digest as `sha256sum` prints it: the record has it in Base64. */
export function hexDigest(digest) {
  const [, base64 = ""] = /^sha-256=:(.*):$/.exec(digest) ?? [];
  return [...atob(base64)].map((each) => each.charCodeAt(0).toString(16).padStart(2, "0")).join("");
}

const REASONS = {
  "cancelled": ["Cancelled", "ban", "muted"],
  "timeout": ["Timed out", "clock", "danger"],
  "disk-full": ["Disk full", "cross", "danger"],
  "interrupted": ["Interrupted", "warn", "warning"],
  "failed": ["Failed", "cross", "danger"],
  "no-data": ["No data", "warn", "warning"],
};

/** Status of a record as `[text, icon, kind]`. */
export function statusOf({ status, reason }) {
  if (status === "new") return ["Queued", "clock", "muted"];
  if (status === "inprogress") return ["Running", "spin", "info"];
  if (status === "completed") return ["Completed", "check", "success"];
  return REASONS[reason] ?? ["Failed", "cross", "danger"];
}

/** Whether a gather is over. */
export function hasEnded({ status }) {
  return status === "completed" || status === "error";
}

/** What a gather is called where it has no name. */
export function nameOf(record) {
  return record["custom-name"] || `Gather ${record.id}`;
}

/** One line about how far a live gather is. */
export function progressLine({ phase, percent, lines, bytes, eta, "queue-position": position }) {
  if (position !== null) {
    return position === 1 ? "Next in the queue" : `Number ${position} in the queue`;
  }
  const words = phase === "salvaging" ? "saving what there is" : phase;
  const parts = [words[0].toUpperCase() + words.slice(1)];
  if (percent !== null) parts.push(`${Math.floor(percent)} %`);
  if (eta !== null) parts.push(`about ${duration(Date.parse(eta) - Date.now())} left`);
  else if (lines > 0) parts.push(`${lines} lines`);
  if (bytes > 0) parts.push(`${size(bytes)} fetched`);
  return parts.join(" · ");
}
