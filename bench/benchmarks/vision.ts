/** Time to the first token of an answer about a picture, beside Python mlx-vlm. */
import type { VisionJob, VisionReport } from "../players/vision-job.ts";
import { type BenchContext, type Benchmark, benchFile } from "../support/context.ts";
import { installPython } from "../support/peers.ts";
import type { Findings, Series, Target } from "../support/result.ts";
import { nodeProgram, type Program, runPlayer } from "../support/run-player.ts";
import { median } from "../support/statistics.ts";
import { VISION_SHAPES, visionModelFolder, writePicture } from "../support/vision-models.ts";
import { SUBJECT } from "./generation-series.ts";

const PEER = "mlx-vlm";
/** Stock MLX takes half a minute for an answer, beside which its runs differ little. */
const PEER_ROUNDS = 1;

const run = async (context: BenchContext): Promise<Findings> => {
  const { threads, quick } = context.settings;
  const subject = nodeProgram(import.meta.resolve("../players/vision.ts"));
  const python = await installPython(context, PEER);
  const picturePath = await writePicture(context);
  const findings: Findings = {
    subject: SUBJECT,
    series: [],
    targets: [],
    missing: "found" in python ? [] : [{ player: PEER, reason: python.reason }],
    notes: [
      "The picture is a JPEG of 1,024 by 1,024 pixels; times are from its path to the first token, after a warm-up of text.",
      `Weights are random float16; ${PEER} computes in float32, which stock MLX does faster on a CPU. It runs once.`,
    ],
    details: {},
  };
  const names = Object.keys(VISION_SHAPES).slice(0, quick ? 1 : undefined);
  for (const name of names) {
    const shape = VISION_SHAPES[name];
    if (shape === undefined) continue;
    const modelPath = await visionModelFolder(context, shape);
    const { module, prompt } = shape;
    const job: VisionJob = { modelPath, module, threads, warmUp: "What is this?", prompt, picturePath };
    const play = async (program: Program, player: string, rounds: number): Promise<Series> => {
      const reports: VisionReport[] = [];
      for (let round = 0; round < rounds; round++) {
        context.tell(`vision: ${name}, round ${round + 1} of ${rounds}, ${player}`);
        reports.push(await runPlayer<VisionReport>(program, job, threads));
      }
      return {
        player: `${player} ${reports[0]?.version ?? ""}`.trim(),
        metric: `time to first token, ${name}, ${reports[0]?.inputTokens} tokens`,
        unit: "ms",
        better: "lower",
        values: reports.map(({ firstTokenMs }) => firstTokenMs),
      };
    };
    const ours = await play(subject, SUBJECT, context.settings.rounds);
    findings.series.push(ours);
    findings.notes.push(`${name}: ${shape.description}.`);
    if (!("found" in python)) continue;
    const program = {
      command: python.found,
      args: [benchFile("players/mlx_vlm_answer.py")],
      env: { PYTHONPATH: `${context.root}/oracle`, OMP_NUM_THREADS: String(threads) },
    };
    const theirs = await play(program, PEER, PEER_ROUNDS);
    findings.series.push(theirs);
    findings.targets.push(target(name, ours, theirs));
  }
  return findings;
};

const target = (name: string, ours: Series, theirs: Series): Target => ({
  claim: `${name}: time to first token, times faster than ${PEER}`,
  reached: median(theirs.values) / median(ours.values),
  limit: 1,
  better: "higher",
});

export const vision: Benchmark = {
  name: "vision",
  question: "How long until the first token of an answer about a picture?",
  run,
};
