/** What can be gathered of Forklift. */
import type { Operation } from "../operation.ts";

/** `/targets`. */
export const targets: readonly Operation[] = [
  {
    method: "get",
    path: "/targets",
    id: "listTargets",
    tag: "gathers",
    summary:
      "Lists Forklift's plans and VMs that the caller may see, with the newest gather of each",
    replies: {
      200: {
        description: "Them; `reason` says why there are none, or not all",
        content: { "application/json": "Targets" },
      },
    },
    examples: {
      all: {
        summary: "A plan and its VM",
        status: 200,
        reply: {
          "plans": [
            {
              "name": "web",
              "namespace": "openshift-mtv",
              "uid": "7a1f0f57-64f5-4c0e-8b8f-3f0a5b0d2c11",
              "status": "Succeeded",
              "target-namespace": "shop",
              "vms": 1,
              "last-gather": {
                "id": 1,
                "status": "completed",
                "created-at": "2026-03-04T05:06:07.080Z",
              },
            },
          ],
          "vms": [
            {
              "name": "web-1",
              "namespace": "shop",
              "source-name": "Web 1",
              "source-id": "vm-1042",
              "plan": "openshift-mtv/web",
              "status": "Completed",
              "last-gather": null,
            },
          ],
          "reason": "",
        },
      },
    },
  },
];
