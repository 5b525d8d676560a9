/** What a benchmark found: the same data is printed, stored as JSON and put into the documentation. */
import type { Machine } from "./machine.ts";

type Direction = "higher" | "lower";

/** One figure of one player, once per round. */
export interface Series {
  /** Who was measured, with its version: `node-llama-cpp 3.22.1`. */
  player: string;
  metric: string;
  unit: string;
  /** Which way is better; undefined for figures that are not compared. */
  better?: Direction;
  /** What this player did where it differs from the others: `64 tokens`. */
  scope?: string;
  values: number[];
}

/** A promise of the project, checked against this result. */
export interface Target {
  claim: string;
  reached: number;
  /** The claim holds when `reached` is at least (higher) or at most (lower) this. */
  limit: number;
  better: Direction;
}

export interface Findings {
  /** The player that ratios are taken for; undefined when nothing is compared. */
  subject?: string;
  series: Series[];
  targets: Target[];
  /** Peers that could not take part, and why. */
  missing: { player: string; reason: string }[];
  notes: string[];
  /** Whatever else explains the figures: answers, sizes, versions. */
  details: Record<string, unknown>;
}

export interface Settings {
  threads: number;
  rounds: number;
  /** Small sizes, to see that everything works; its figures mean nothing. */
  quick: boolean;
  /** Measured although the machine was busy. */
  force: boolean;
  /** Path of a Python that has mlx-lm on this machine's GPU. */
  python?: string;
  /** Shapes measured on a GPU: those whose names contain it. Default all. */
  shape?: string;
  /** Peers left out: every one whose name starts with one of these. */
  without: string[];
}

export interface Result extends Findings {
  benchmark: string;
  question: string;
  date: string;
  settings: Settings;
  machine: Machine;
  /** How much of the processors others used meanwhile, 0 to 1; undefined where the system does not tell. */
  othersShare: number | undefined;
}
