import { existsSync } from "node:fs";

/** Python as the system has it. One that is first on PATH may be a version manager's, which takes four times as long to start. */
export const PYTHON = existsSync("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
