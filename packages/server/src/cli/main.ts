#!/usr/bin/env node
import { runProgram } from "./run-program.ts";

/** What a process that is interrupted twice ends with, as shells report it. */
const INTERRUPTED = 130;

/** Resolves at the first Ctrl-C or SIGTERM; the second ends the process. */
function stopped(): Promise<void> {
  return new Promise((resolve) => {
    let count = 0;
    const stop = () => {
      if (count++ > 0) process.exit(INTERRUPTED);
      resolve();
    };
    process.on("SIGINT", stop).on("SIGTERM", stop);
  });
}

process.exitCode = await runProgram(process.argv.slice(2), {
  env: process.env,
  print: (text) => void process.stdout.write(text),
  note: (text) => void process.stderr.write(`${text}\n`),
  stopped,
});
