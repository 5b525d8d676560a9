/** Results as Markdown, for the terminal and for the documentation. */
import type { Machine } from "./machine.ts";
import type { Result, Series, Target } from "./result.ts";
import { median, medianRatio } from "./statistics.ts";

const ABSENT = "–";

/** Three significant digits. */
const formatNumber = (value: number): string => {
  if (!Number.isFinite(value)) return ABSENT;
  const size = Math.abs(value);
  if (size >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString("en-US");
  if (size >= 10) return value.toFixed(1);
  if (size >= 1) return value.toFixed(2);
  return size >= 0.001 ? value.toPrecision(2) : value.toExponential(1);
};

const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;

const table = (header: readonly string[], rows: readonly (readonly string[])[]): string => {
  const widths = header.map((title, i) =>
    Math.max(3, title.length, ...rows.map((row) => row[i]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`;
  return [line(header), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
};

const unique = (values: readonly string[]): string[] => [...new Set(values)];

const figure = ({ values, scope }: Series): string => {
  const range =
    values.length > 1
      ? ` (${formatNumber(Math.min(...values))} to ${formatNumber(Math.max(...values))})`
      : "";
  return `${formatNumber(median(values))}${range}${scope === undefined ? "" : ` [${scope}]`}`;
};

const find = (series: readonly Series[], player: string, metric: string): Series | undefined =>
  series.find((one) => one.player === player && one.metric === metric);

const figures = (series: readonly Series[]): string => {
  const players = unique(series.map(({ player }) => player));
  const rows = unique(series.map(({ metric }) => metric)).map((metric) => {
    const cells = players.map((player) => {
      const found = find(series, player, metric);
      return found === undefined ? ABSENT : figure(found);
    });
    const { unit = "" } = series.find((one) => one.metric === metric) ?? {};
    return [unit === "" ? metric : `${metric}, ${unit}`, ...cells];
  });
  return table(["median (smallest to largest)", ...players], rows);
};

const ratios = (series: readonly Series[], subject: string): string | undefined => {
  const peers = unique(series.map(({ player }) => player)).filter((player) => player !== subject);
  const compared = unique(series.filter(({ better }) => better !== undefined).map(({ metric }) => metric));
  if (peers.length === 0 || compared.length === 0) return undefined;
  const rows = compared.map((metric) => {
    const own = find(series, subject, metric);
    const cells = peers.map((peer) => {
      const other = find(series, peer, metric);
      if (own?.better === undefined || other === undefined) return ABSENT;
      return `${formatNumber(medianRatio(own.values, other.values, own.better))} x`;
    });
    return [metric, ...cells];
  });
  return table([`${subject} is better by`, ...peers], rows);
};

const holds = ({ reached, limit, better }: Target): boolean =>
  better === "higher" ? reached >= limit : reached <= limit;

const targets = (all: readonly Target[]): string =>
  table(
    ["claim", "limit", "measured", ""],
    all.map((target) => [
      target.claim,
      `${target.better === "higher" ? "at least" : "at most"} ${formatNumber(target.limit)}`,
      formatNumber(target.reached),
      holds(target) ? "holds" : "fails",
    ]),
  );

const machineLines = (machine: Machine, { settings, othersShare, date }: Result): string[] => [
  `- ${machine.processor}, ${machine.processors} processors, ${formatNumber(machine.memoryBytes / 2 ** 30)} GiB; ` +
    `${machine.system}; Node ${machine.node}`,
  `- instruction sets: ${machine.instructionSets.join(" ") || "unknown"}`,
  `- engine: libmlx ${machine.engine.mlx}, ${machine.engine.backend}` +
    (machine.engine.instructionSets.length > 0 ? `, ${machine.engine.instructionSets.join(" ")}` : ""),
  `- ${settings.threads} threads, ${settings.rounds} rounds, commit ${machine.commit}, ${date.slice(0, 10)}`,
  `- load average before ${machine.loadAverage.map(formatNumber).join(", ")}; in use before ${percent(machine.usedBefore)}` +
    (othersShare === undefined
      ? ""
      : `; other programs took ${percent(othersShare)} of the processors meanwhile`),
];

/** One result as a Markdown section. @param level - of its heading */
export const renderResult = (result: Result, level = 2): string => {
  const parts = [`${"#".repeat(level)} ${result.benchmark}`, result.question];
  const { quick, force } = result.settings;
  if (quick) parts.push("**Quick run: only to see that it works, the figures mean nothing.**");
  else if (force) parts.push("**Measured on a machine that may have been busy: the figures mean little.**");
  if (result.series.length > 0) parts.push(figures(result.series));
  const compared = result.subject === undefined ? undefined : ratios(result.series, result.subject);
  if (compared !== undefined) parts.push(compared);
  // a claim is not decided by figures that mean nothing
  if (result.targets.length > 0 && !quick && !force) parts.push(targets(result.targets));
  const missing = result.missing.map(({ player, reason }) => `- ${player} is missing: ${reason}`);
  const lists = [
    ...missing,
    ...result.notes.map((note) => `- ${note}`),
    ...machineLines(result.machine, result),
  ];
  parts.push(lists.join("\n"));
  return parts.join("\n\n");
};
