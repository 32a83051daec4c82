/** What replies look like, for examples. */
import type { GatherListItem, GatherRecord } from "../schema/record.ts";

/** A gather that has just been asked for. */
export const NEW_GATHER = {
  "id": 3,
  "created-at": "2026-03-04T05:06:07.080Z",
  "updated-at": "2026-03-04T05:06:07.080Z",
  "custom-name": "plan:web",
  "status": "new",
  "image": "quay.io/kubev2v/forklift-must-gather",
  "image-stream": "",
  "node-name": "",
  "command": "PLAN=web /usr/bin/targeted",
  "source-dir": "/must-gather/",
  "timeout": "20m",
  "server": "",
  "archive-size": 0,
  "archive-name": "",
  "exec-output": "",
  "reason": "",
  "message": "",
  "state": "new",
  "exit-code": null,
  "started-at": null,
  "finished-at": null,
  "images": ["quay.io/kubev2v/forklift-must-gather"],
  "progress": {
    "phase": "queued",
    "percent": null,
    "lines": 0,
    "bytes": 0,
    "queue-position": 1,
    "eta": null,
  },
  "partial": false,
  "archive-url": "",
  "archive-digest": "",
  "leftovers": [],
  "verdict": null,
  "resolved-command": "",
  "redaction": null,
} satisfies GatherListItem;

/** One that is done, as the list has it. */
export const DONE_IN_LIST = {
  ...NEW_GATHER,
  "id": 1,
  "updated-at": "2026-03-04T05:12:00.500Z",
  "status": "completed",
  "archive-size": 4_815_162,
  "archive-name": "must-gather-plan:web.tar.gz",
  "exec-output":
    "\n[must-gather      ] OUT namespace/openshift-must-gather-x7k2p deleted\n[must-gather      ] OUT done",
  "message": "The archive is ready",
  "state": "completed",
  "exit-code": 0,
  "started-at": "2026-03-04T05:06:07.100Z",
  "finished-at": "2026-03-04T05:12:00.499Z",
  "progress": {
    "phase": "ended",
    "percent": 100,
    "lines": 412,
    "bytes": 4_820_000,
    "queue-position": null,
    "eta": null,
  },
  "archive-url": "must-gather/1/data",
  "archive-digest": "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:",
  "verdict": {
    "entries": 812,
    "files": 640,
    "bytes": 61_000_000,
    "empty-files": 3,
    "error-files": { "count": 0, "paths": [] },
    "missing": [],
  },
} satisfies GatherListItem;

/** The same in full. */
export const DONE = {
  ...DONE_IN_LIST,
  "transitions": [
    {
      "at": "2026-03-04T05:06:07.100Z",
      "event": "gather.start",
      "from": "new",
      "to": "inprogress.gathering.starting",
    },
    {
      "at": "2026-03-04T05:12:00.499Z",
      "event": "pack.done",
      "from": "inprogress.packing",
      "to": "completed",
    },
  ],
} satisfies GatherRecord;

/** A gather of which a caller has asked for the end. */
export const ENDING = {
  ...NEW_GATHER,
  "id": 2,
  "custom-name": "",
  "status": "inprogress",
  "command": "",
  "reason": "cancelled",
  "state": "inprogress.stopping",
  "started-at": "2026-03-04T05:06:07.100Z",
  "progress": { ...NEW_GATHER.progress, "phase": "stopping", "queue-position": null },
  "transitions": [
    {
      "at": "2026-03-04T05:06:09.100Z",
      "event": "gather.cancel",
      "from": "inprogress.gathering.collecting",
      "to": "inprogress.stopping",
    },
  ],
} satisfies GatherRecord;
