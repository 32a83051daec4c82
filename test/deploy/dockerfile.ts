/** Reading the Dockerfile, which cannot be built where the tests run. */
import { readFile } from "node:fs/promises";

/** One instruction, its continued lines joined and build arguments filled in. */
export interface Instruction {
  readonly keyword: string;
  readonly text: string;
}

/** One `FROM` and what follows it. */
export interface Stage {
  readonly base: string;
  readonly name: string | undefined;
  readonly instructions: readonly Instruction[];
}

/** A `COPY`. Without `stage`, from what is sent to the builder. */
export interface Copy {
  readonly stage: string | undefined;
  readonly sources: readonly string[];
  readonly target: string;
}

/** The project's folder, which is also what is sent to the builder. */
export const PROJECT = new URL("../../", import.meta.url);

/** Reads the project's Dockerfile. Throws for what it does not understand. */
export async function readDockerfile(): Promise<Stage[]> {
  const text = await readFile(new URL("Dockerfile", PROJECT), "utf8");
  const lines = text.split("\n").filter((line) => !/^\s*(?:#|$)/.test(line)).join("\n")
    .replace(/\\\n\s*/g, "");
  const args = new Map<string, string>();
  const stages: { base: string; name: string | undefined; instructions: Instruction[] }[] = [];
  for (const line of lines.split("\n")) {
    const [, keyword = "", written = ""] = /^([A-Z]+)\s+(.+)$/.exec(line) ?? [];
    const text = keyword === "RUN" ? written : written.replace(/\$\{(\w+)\}/g, (_, name) => {
      const value = args.get(name);
      if (value === undefined) throw new Error(`Dockerfile: ${name} is not set before "${line}"`);
      return value;
    });
    if (keyword === "ARG") {
      const [name = "", value = ""] = text.split("=");
      args.set(name, value);
    } else if (keyword === "FROM") {
      const [, base = "", name] = /^(\S+)(?: AS (\S+))?$/.exec(text) ?? [];
      stages.push({ base, name, instructions: [] });
    } else if (keyword !== "" && stages.length > 0) {
      stages.at(-1)?.instructions.push({ keyword, text });
    } else {
      throw new Error(`Dockerfile: not understood: ${line}`);
    }
  }
  return stages;
}

/** What a stage copies. */
export function copiesOf({ instructions }: Stage): Copy[] {
  return instructions.filter(({ keyword }) => keyword === "COPY").map(({ text }) => {
    const words = text.split(/\s+/);
    const stage = words[0]?.startsWith("--from=") ? words.shift()?.slice(7) : undefined;
    const target = words.pop() ?? "";
    return { stage, sources: words, target };
  });
}

/** How the last stage's image starts. */
export interface ImageConfig {
  readonly env: Readonly<Record<string, string>>;
  readonly workdir: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly user: string;
  readonly ports: readonly string[];
}

/** What the image tells a container of it. */
export function imageConfig(stages: readonly Stage[]): ImageConfig {
  const last = stages.at(-1);
  const all = (keyword: string) =>
    last?.instructions.filter((one) => one.keyword === keyword).map(({ text }) => text) ?? [];
  const words = (keyword: string): string[] => JSON.parse(all(keyword).at(-1) ?? "[]");
  const pairs = all("ENV").flatMap((text) => text.split(/\s+/)).map((pair) => {
    const at = pair.indexOf("=");
    return [pair.slice(0, at), pair.slice(at + 1)] as const;
  });
  return {
    env: Object.fromEntries(pairs),
    workdir: all("WORKDIR").at(-1) ?? "/",
    entrypoint: words("ENTRYPOINT"),
    command: words("CMD"),
    user: all("USER").at(-1) ?? "root",
    ports: all("EXPOSE").flatMap((text) => text.split(/\s+/)),
  };
}
