import { hostname } from "node:os";
import { join } from "node:path";
import { PbfWriter } from "pbf";
import type { EpochMetrics } from "@/experiments/mod.ts";
import { writeFileAtomic } from "@/files/mod.ts";
import { crc32c } from "./crc32c.ts";

/**
 * The metrics of a run for TensorBoard (`tensorboard --logdir experiments/runs`). One file holds all
 * epochs: a run that goes on writes a new one with those it has, and removes the old one.
 */
export class EventFile {
  private constructor(readonly path: string) {}

  /** Starts the file of a run's folder with the epochs on record. */
  static async start(folder: string, metrics: EpochMetrics[]): Promise<EventFile> {
    for await (const { name } of Deno.readDir(folder)) {
      if (name.startsWith("events.out.tfevents.")) await Deno.remove(join(folder, name));
    }
    const seconds = Date.now() / 1000;
    const name = `events.out.tfevents.${Math.floor(seconds)}.${hostname()}`;
    const file = new EventFile(join(folder, name));
    const version = encodeEvent({ seconds, step: 0, version: "brain.Event:2" });
    const epochs = metrics.map((epoch) => encodeEvent(eventOf(epoch)));
    await writeFileAtomic(file.path, joined([version, ...epochs].map(record)));
    return file;
  }

  /** Adds an epoch. Readers skip a record that a crash has cut off: each has its checksum. */
  async add(metrics: EpochMetrics): Promise<void> {
    await Deno.writeFile(this.path, record(encodeEvent(eventOf(metrics))), { append: true });
  }
}

/** What one record of the file tells. */
interface Event {
  /** Since 1970. */
  seconds: number;
  step: number;
  /** Of the format; in the first record alone. */
  version?: string;
  /** Numbers by tag. */
  values?: [tag: string, value: number][];
}

function eventOf({ epoch, ...metrics }: EpochMetrics): Event {
  const values = Object.entries(metrics).map(([name, value]): [string, number] => [
    tagOf(name),
    value!,
  ]);
  return { seconds: Date.now() / 1000, step: epoch, values };
}

/** `validationDice` becomes `validation/dice`; TensorBoard makes a group of what precedes the slash. */
function tagOf(name: string): string {
  const validation = /^validation([A-Z])(.*)$/.exec(name);
  return validation
    ? `validation/${validation[1]!.toLowerCase()}${validation[2]}`
    : `training/${name}`;
}

/** An `Event` of tensorflow/core/util/event.proto with a `Summary` of simple values. */
function encodeEvent({ seconds, step, version, values }: Event): Uint8Array {
  const TIME = 1, STEP = 2, VERSION = 3, SUMMARY = 5;
  const VALUE = 1, VALUE_TAG = 1, VALUE_SIMPLE = 2;
  const writer = new PbfWriter();
  writer.writeDoubleField(TIME, seconds);
  writer.writeVarintField(STEP, step);
  if (version !== undefined) writer.writeStringField(VERSION, version);
  if (values) {
    writer.writeMessage(SUMMARY, (all, summary) => {
      for (const item of all) {
        summary.writeMessage(VALUE, ([tag, value], message) => {
          message.writeStringField(VALUE_TAG, tag);
          message.writeFloatField(VALUE_SIMPLE, value);
        }, item);
      }
    }, values);
  }
  return writer.finish();
}

/** A record of the TFRecord format: length, its checksum, data, its checksum; little-endian. */
function record(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(data.length + 16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedChecksum(bytes.subarray(0, 8)), true);
  bytes.set(data, 12);
  view.setUint32(12 + data.length, maskedChecksum(data), true);
  return bytes;
}

/** The format turns checksums and adds a constant, as data may itself hold checksums. */
function maskedChecksum(bytes: Uint8Array): number {
  const sum = crc32c(bytes);
  return ((sum >>> 15 | sum << 17) + 0xa282ead8) >>> 0;
}

function joined(parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const part of parts) {
    bytes.set(part, end);
    end += part.length;
  }
  return bytes;
}
