/** What most tests of the whole service begin with: a place, a pretended oc in it, and the service with that. */
import { createFakeOc, type FakeOc, type FakeOcOptions } from "./fake-oc.ts";
import { makePlace, type Place, type Service, startService } from "./service.ts";

export interface Stage {
  readonly place: Place;
  readonly oc: FakeOc;
  /** The one that was started last. */
  readonly service: Service;
  /** Starts it again where it has ended, with `env` in place of the settings before. */
  readonly startAgain: (env?: Readonly<Record<string, string>>) => Promise<Service>;
  /** Stops the service, ends every oc and removes all files. */
  readonly close: () => Promise<void>;
}

/** Opens one; `env` are settings of the service besides. What is open when it fails is closed. */
export async function openStage(
  env: Readonly<Record<string, string>> = {},
  options: Omit<FakeOcOptions, "folder"> = {},
): Promise<Stage> {
  const place = await makePlace();
  let oc: FakeOc | undefined;
  try {
    oc = await createFakeOc({ folder: place.folder, ...options });
    return opened(place, oc, await startService(place, { OC: oc.path, ...env }));
  } catch (error) {
    await oc?.close();
    await place.remove();
    throw error;
  }
}

function opened(place: Place, oc: FakeOc, first: Service): Stage {
  let service = first;
  return {
    place,
    oc,
    get service() {
      return service;
    },
    async startAgain(env = {}) {
      return service = await startService(place, { OC: oc.path, ...env });
    },
    async close() {
      await service.stop();
      await oc.close();
      await place.remove();
    },
  };
}
