/**
 * The packages that a production install brings, with their licences. Run by itself it lists them, and fails where one has a
 * licence that is not allowed.
 */
import { readFile } from "node:fs/promises";
import process from "node:process";

/** Licences that ask for no more than to be named, and so go with Apache-2.0 (SPDX). */
const ALLOWED = new Set(["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"]);

/** What this reads of an entry in package-lock.json. */
interface LockedPackage {
  readonly version?: string;
  readonly license?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  /** For development, and wished for by a package of production: valibot and its wish for TypeScript. */
  readonly devOptional?: boolean;
  readonly hasInstallScript?: boolean;
}

/** What this reads of package-lock.json. */
export interface Lock {
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

/** A package of a production install. */
export interface ProductionPackage {
  readonly name: string;
  readonly version: string;
  /** An SPDX expression; `""` where the package names none. */
  readonly licence: string;
  /** Where npm puts it, relative to the project. */
  readonly path: string;
  readonly locked: LockedPackage;
}

/** Reads the project's package-lock.json. */
export async function readLock(): Promise<Lock> {
  return JSON.parse(await readFile(new URL("../package-lock.json", import.meta.url), "utf8"));
}

/** The packages that `npm ci --omit=dev --omit=optional` installs. */
export function productionPackages(lock: Lock): ProductionPackage[] {
  return Object.entries(lock.packages)
    .filter(([path, { dev, optional, devOptional }]) =>
      path !== "" && !dev && !optional && !devOptional
    )
    .map(([path, locked]) => ({
      name: path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length),
      version: locked.version ?? "",
      licence: locked.license ?? "",
      path,
      locked,
    }));
}

/** Whether a licence may go into the image. Of a choice (`MIT OR …`) one is enough. */
export function isAllowed(licence: string): boolean {
  return licence.replace(/^\((.*)\)$/, "$1").split(" OR ").some((one) => ALLOWED.has(one));
}

if (import.meta.main) {
  const packages = productionPackages(await readLock());
  for (const { name, version, licence } of packages) console.log(`${name} ${version} ${licence}`);
  const refused = packages.filter(({ licence }) => !isAllowed(licence));
  for (const { name, licence } of refused) {
    console.error(
      `${name} has the licence "${licence}": replace it, or allow that in .ci/licences.ts`,
    );
  }
  process.exit(refused.length === 0 ? 0 : 1);
}
