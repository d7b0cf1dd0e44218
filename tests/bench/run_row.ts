import { Contestant } from "./contestant.ts";
import type { Program, Row } from "./rows.ts";
import { pairedRatio, summarize, type Summary } from "./statistics.ts";

/** What one side of a row gave. */
export interface Side {
  name: string;
  samples: number[];
  summary?: Summary;
  /** Ours divided by this peer's, the median over the rounds. */
  ratio?: number;
  /** The largest resident memory of its process, in MiB. */
  peakMemory?: number;
  versions?: Record<string, string>;
  /** Why it gave nothing. */
  reason?: string;
}

/** What a row gave. */
export interface RowResult {
  name: string;
  work: string;
  unit: Row["unit"];
  bar: number;
  /** Ours first. */
  sides: Side[];
  /** Ours to the first peer, or our own value where there is none; missing if the row failed. */
  ratio?: number;
}

/** A program of a row, while the row runs. */
interface Player {
  program: Program;
  side: Side;
  contestant?: Contestant;
}

/**
 * Runs a row: its programs give one sample each, round after round, in an order that turns around from
 * one round to the next. A program that fails is left out, with the reason in the result.
 *
 * @param row The row.
 * @param options.rounds Samples of each program; default: the row's own.
 * @param options.python Of the peers' environment.
 */
export async function runRow(
  row: Row,
  { rounds = row.rounds, python }: { rounds?: number; python: string },
): Promise<RowResult> {
  const players = [row.ours, ...row.peers].map((program): Player => {
    return { program, side: { name: program.name, samples: [] } };
  });
  try {
    for (const player of players) {
      if (row.fresh) continue;
      await attempt(player, async () => {
        await start(player, python);
        await player.contestant!.sample(); // warm-up
      });
    }
    for (let round = 0; round < rounds; round++) {
      const order = round % 2 === 0 ? players : players.toReversed();
      for (const player of order) {
        await attempt(player, async () => {
          if (row.fresh) await start(player, python);
          player.side.samples.push(await player.contestant!.sample());
          if (row.fresh || round + 1 === rounds) await end(player);
        });
      }
    }
  } finally {
    for (const { contestant } of players) await contestant?.stop();
  }
  return resultOf(row, players.map(({ side }) => side));
}

async function attempt(player: Player, work: () => Promise<void>): Promise<void> {
  if (player.side.reason !== undefined) return;
  try {
    await work();
  } catch (error) {
    player.side.reason = error instanceof Error ? error.message : String(error);
  }
}

async function start(player: Player, python: string): Promise<void> {
  const { contestant, versions } = await Contestant.start(player.program, python);
  player.contestant = contestant;
  player.side.versions = versions;
}

async function end(player: Player): Promise<void> {
  const peak = await player.contestant!.end();
  delete player.contestant;
  player.side.peakMemory = Math.max(peak, player.side.peakMemory ?? 0);
}

/** Adds to the sides of a row what follows from their samples. */
export function resultOf(row: Row, sides: Side[]): RowResult {
  const { name, work, unit, bar } = row;
  const result: RowResult = { name, work, unit, bar, sides };
  const [ours, ...peers] = sides as [Side, ...Side[]];
  for (const side of sides) {
    if (side.reason === undefined) side.summary = summarize(side.samples);
  }
  if (!ours.summary) return result;
  for (const peer of peers) {
    if (peer.summary) peer.ratio = pairedRatio(ours.samples, peer.samples);
  }
  const ratio = peers.length === 0 ? ours.summary.median : peers[0]!.ratio;
  if (ratio !== undefined) result.ratio = ratio;
  return result;
}
