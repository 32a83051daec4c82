import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { type Command, commandAsSent, commandLine, LONGEST_COMMAND } from "../../src/oc/command.ts";
import { Problem } from "../../src/problem.ts";

const LETTERS = "AZaz09";
const TEXT_SIGNS = "_-~/:.=@,+% ";
const WORD_SIGNS = "()'\"#&|;<>*?[]{}!";

/** How a pod of oc before 4.20 runs the text. */
const plain = (line: string) => `${line}; sync`;

/** How a pod of oc from 4.20 on runs it: bash expands the here-document before a second bash reads it. */
const heredoc = (line: string) =>
  `if true; then\n  bash <<-GATHER\n${line}\nGATHER\nelse\n  ${line}\nfi; sync`;

const SHELLS = [plain, heredoc] as const;

describe("commands", () => {
  let folder = "";

  /** Prints every argument it got, each ended by a NUL. */
  let show = "";

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "command-"));
    show = join(folder, "show");
    writeFileSync(show, "#!/bin/sh\nfor word; do printf '%s\\0' \"$word\"; done\n");
    chmodSync(show, 0o755);
    // A pod's last word, which here would wait for all that this machine's disks have still to write.
    writeFileSync(join(folder, "sync"), "#!/bin/sh\n");
    chmodSync(join(folder, "sync"), 0o755);
    for (const bait of ["a", "b", "-n", "web (prod)"]) writeFileSync(join(folder, bait), "");
  });

  after(() => rmSync(folder, { recursive: true }));

  function bash(script: string): string {
    return execFileSync("bash", ["-c", script], {
      cwd: folder, // holds files that an unquoted pattern would find
      env: {
        PATH: `${folder}:${process.env["PATH"] ?? ""}`,
        HOME: "/home-was-expanded",
        GATHER: "variable",
      },
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  const wordsSeen = (script: string) => bash(script).split("\0").slice(0, -1);

  function variablesSeen(script: string, names: readonly string[]): (string | undefined)[] {
    const lines = bash(script).split("\n");
    return names.map((name) =>
      lines.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1)
    );
  }

  function refusal(command: Command): string {
    try {
      commandLine(command);
    } catch (error) {
      assert.ok(error instanceof Problem);
      assert.equal(error.status, 400);
      return error.detail;
    }
    return assert.fail(`accepted ${JSON.stringify(command)}`);
  }

  const word = fc.string({
    unit: fc.constantFrom(...LETTERS, ...TEXT_SIGNS, ...WORD_SIGNS),
    maxLength: 16,
  });

  test("the UI's own commands pass as they are", () => {
    for (const line of ["PLAN=p1 /usr/bin/targeted", "NS=ns1 VM=vm-3345 /usr/bin/targeted"]) {
      assert.equal(commandLine(line), line);
    }
  });

  test("a text outside the UI's form passes as it is, never split", () => {
    for (
      const line of [
        "/usr/bin/gather_audit_logs",
        "exit 3",
        "  spaced   out  ",
        "~/x --since=1h,2h a+b 100%",
        "PLAN=p1 /usr/bin/targeted --more",
        "FOO=1 /usr/bin/targeted",
      ]
    ) assert.equal(commandLine(line), line);
  });

  test("no command, a blank one and an empty array leave the image its own script", () => {
    for (const none of ["", "   ", []]) assert.equal(commandLine(none), "");
  });

  test("a VM called web (prod) is quoted for bash", () => {
    assert.equal(
      commandLine("VM=web (prod) /usr/bin/targeted"),
      "VM='web (prod)' /usr/bin/targeted",
    );
  });

  test("in the UI's form a value reaches to the next key or to the last program", () => {
    assert.equal(
      commandLine("NS=my ns PLAN=a;b VM=it's /usr/bin/gather ~ /usr/bin/targeted"),
      `NS='my ns' PLAN='a;b' VM='it'"'"'s /usr/bin/gather ~' /usr/bin/targeted`,
    );
    assert.equal(commandLine("VM= /usr/bin/targeted"), "VM= /usr/bin/targeted");
    assert.equal(commandLine(" PLAN=p1   /usr/bin/targeted "), "PLAN=p1 /usr/bin/targeted");
    assert.equal(commandLine("VM=XNS=1 /usr/bin/targeted"), "VM=XNS=1 /usr/bin/targeted");
  });

  test("words are quoted unless plain, and a leading NAME=value still sets a variable", () => {
    assert.equal(
      commandLine(["VM=web (prod)", "X=~", "/usr/bin/env", "a=b c", "", "it's", "!", "~"]),
      `VM='web (prod)' X='~' /usr/bin/env 'a=b c' '' 'it'"'"'s' '!' '~'`,
    );
  });

  test("a refusal names the character, its column and, in an array, its word", () => {
    assert.match(
      refusal("gather; rm"),
      /^command: ";" \(U\+003B\) at column 7 is not allowed; .*array/,
    );
    assert.match(refusal("VM=a`b /usr/bin/targeted"), /"`" \(U\+0060\) at column 5 /);
    assert.match(refusal(["ok", "x$HOME"]), /"\$" \(U\+0024\) at column 2 of word 2 /);
    assert.match(refusal("\u{1F600}"), /U\+1F600 at column 1 /);
    assert.match(refusal(["a\u{1F600}"]), /U\+1F600 at column 2 of word 1 /);
    assert.match(refusal("VM=\u00e9t\u00e9\n /usr/bin/targeted"), /U\+00E9 at column 4 /);
  });

  test("what bash or a here-document expands, and every control character, is refused everywhere", () => {
    const bad = [
      "$",
      "`",
      "\\",
      ...Array.from({ length: 32 }, (_, code) => String.fromCharCode(code)),
    ];
    for (const character of [...bad, "\x7f", "\x85", "\u2028", "\ud800", "^"]) {
      const code = character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
      for (
        const command of [`a${character}`, `VM=a${character} /usr/bin/targeted`, [`a${character}`]]
      ) {
        assert.match(refusal(command), new RegExp(`U\\+${code}\\)? at column`));
      }
    }
  });

  test("the length of a command is bounded, and so is what checking it costs", () => {
    assert.equal(commandLine("a".repeat(LONGEST_COMMAND)).length, LONGEST_COMMAND);
    assert.match(refusal("a".repeat(LONGEST_COMMAND + 1)), /longer than 8192/);
    assert.match(refusal(Array(LONGEST_COMMAND).fill("a")), /longer than 8192/);
    const started = performance.now();
    commandLine(`VM=${" VM=".repeat(2000)} /usr/bin/targeted`);
    commandLine(`VM=${" ".repeat(8000)}x`);
    commandLine(` /usr/bin/${" /usr/bin/".repeat(800)}`);
    assert.ok(performance.now() - started < 1000);
  });

  test("an array of blanks is no command and is told", () => {
    assert.match(refusal(["", " "]), /blank/);
  });

  test("a record shows a text as sent and words joined by spaces", () => {
    assert.equal(
      commandAsSent("VM=web (prod) /usr/bin/targeted"),
      "VM=web (prod) /usr/bin/targeted",
    );
    assert.equal(
      commandAsSent(["VM=web (prod)", "/usr/bin/targeted"]),
      "VM=web (prod) /usr/bin/targeted",
    );
  });

  test("words arrive in the program as they were sent, by bash -c and by here-document", () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 12 }), (words) => {
        const line = commandLine([show, ...words]);
        for (const shell of SHELLS) assert.deepEqual(wordsSeen(shell(line)), words);
      }),
      { numRuns: 40 },
    );
  });

  test("a variable set by a word arrives as it was sent, by bash -c and by here-document", () => {
    fc.assert(
      fc.property(word, (value) => {
        const line = commandLine([`VM=${value}`, "/usr/bin/env"]);
        for (const shell of SHELLS) assert.deepEqual(variablesSeen(shell(line), ["VM"]), [value]);
      }),
      { numRuns: 25 },
    );
  });

  test("names in the UI's form arrive as they were sent, by bash -c and by here-document", () => {
    const name = word.map((text) => text.trim()).filter((text) =>
      !/(?:^| )(?:NS|PLAN|VM)=/.test(text)
    );
    fc.assert(
      fc.property(name, name, (plan, vm) => {
        const line = commandLine(`PLAN=${plan} VM=${vm} /usr/bin/env`);
        for (const shell of SHELLS) {
          assert.deepEqual(variablesSeen(shell(line), ["PLAN", "VM"]), [plan, vm]);
        }
      }),
      { numRuns: 25 },
    );
  });

  test("a text of the allowed set means the same to both, with nothing expanded but by its own bash", () => {
    const text = fc.string({ unit: fc.constantFrom(...LETTERS, ..."_-/:.=@,+% "), maxLength: 40 });
    fc.assert(
      fc.property(text, (rest) => {
        const line = commandLine(`${show} ${rest}`);
        const words = rest.split(" ").filter(Boolean);
        for (const shell of SHELLS) assert.deepEqual(wordsSeen(shell(line)), words);
      }),
      { numRuns: 25 },
    );
  });

  test("whatever is sent, no text made here holds what a here-document expands", () => {
    const any = fc.string({ unit: "binary", maxLength: 30 });
    const signs = fc.string({ unit: fc.constantFrom(..."ab$`\\\n'\" =VM/"), maxLength: 12 });
    const form = fc.tuple(any, signs).map(([a, b]) => `VM=${a}${b} /usr/bin/targeted`);
    const command = fc.oneof(any, signs, form, fc.array(fc.oneof(any, signs), { maxLength: 4 }));
    fc.assert(
      fc.property(command, (sent) => {
        let line: string;
        try {
          line = commandLine(sent);
        } catch (error) {
          return error instanceof Problem && error.status === 400;
        }
        return /^[ -~]*$/.test(line) && !/[$`\\]/.test(line);
      }),
      { numRuns: 300 },
    );
  });
});
