/** An oc that costs next to nothing by itself, so that what is measured is the service. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";

/**
 * The first word behind `--` says what it does; in the folder that it is given it leaves a small file, so that there is something
 * to pack.
 *
 * - `instant`: nothing else.
 * - `start`: starts a program as large as the real oc, which does nothing: Node's. Both are some 100 MB, and at work for tens of
 *   milliseconds before their first line.
 * - `print BYTES`: so many bytes in lines of 100.
 * - `lines N`: N lines of 100 bytes, as fast as they are taken.
 * - `pace N SECONDS`: N lines a second, in twenty pieces, and more at a time where it came too late.
 * - `pack FOLDER`: fills its folder with links to what is in that one.
 * - `wait SECONDS`: says one line and waits.
 */
const OC = `#!/bin/sh
case "$*" in
  *must-gather\\ --help*) printf '      --dest-dir=x\\n      --image=x\\n      --timeout=x\\n      --source-dir=x\\n'; exit 0 ;;
  version*) echo 'Client Version: 4.18.3'; exit 0 ;;
esac
for word; do case "$word" in --dest-dir=*) into=\${word#*=} ;; esac; last=$word; done
mkdir -p "$into/data"
echo gathered > "$into/data/file"
line=0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789
line=\${line%?}
set -- $last
case "$1" in
  start) ${process.execPath} -e 0 ;;
  print) yes "$line" | head -c "$2" ;;
  lines) yes "$line" | head -n "$2" ;;
  pace)
    yes "$line" | head -n $(($2 / 20)) > "$into/chunk"
    next=$(date +%s%N)
    for i in $(seq $(($3 * 20))); do
      cat "$into/chunk"
      next=$((next + 50000000)); left=$((next - $(date +%s%N)))
      if [ $left -gt 0 ]; then sleep "$(printf '0.%09d' $left)"; fi
    done ;;
  pack) cp -rl "$2" "$into/data/tree" ;;
  wait) echo "$line"; exec sleep "$2" ;;
esac
exit 0
`;

/** Writes it into a folder and gives its path. */
export async function writeOc(folder: string): Promise<string> {
  const path = join(folder, "oc");
  await writeFile(path, OC, { mode: 0o755 });
  return path;
}
