import { stripVTControlCharacters } from "node:util";
import type { Message } from "./message.ts";
import { type CellOutput, type CodeCell, splitLines } from "./notebook.ts";

type DisplayOutput = Extract<CellOutput, { data: unknown }>;

/**
 * Turns the output messages of a kernel into the outputs of cells, as Jupyter does: streams are
 * merged, a display is updated where it stands, also in an earlier cell, and colours are removed.
 */
export class OutputCollector {
  #cell: CodeCell;
  #displays = new Map<string, DisplayOutput[]>();
  #clearBeforeNext = false;

  /** @param cell The first cell; see {@link OutputCollector.beginCell}. */
  constructor(cell: CodeCell) {
    this.#cell = cell;
  }

  /** From now on new outputs go to this cell. */
  beginCell(cell: CodeCell): void {
    this.#cell = cell;
    this.#clearBeforeNext = false;
  }

  /** Adds what a message shows; messages that show nothing are ignored. */
  receive({ type, content }: Message): void {
    switch (type) {
      case "stream":
        this.addStream(content["name"] === "stderr" ? "stderr" : "stdout", String(content["text"]));
        break;
      case "display_data":
      case "execute_result":
        this.#addDisplay(type, content);
        break;
      case "update_display_data":
        for (const output of this.#displays.get(displayId(content) ?? "") ?? []) {
          output.data = mimeBundle(content["data"]);
          output.metadata = object(content["metadata"]);
        }
        break;
      case "clear_output":
        if (content["wait"] === true) this.#clearBeforeNext = true;
        else this.#cell.outputs.length = 0;
        break;
      case "error":
        this.addError(
          String(content["ename"]),
          String(content["evalue"]),
          Array.isArray(content["traceback"]) ? content["traceback"].map(String) : [],
        );
    }
  }

  /** Adds text, to the last output if that is the same stream. */
  addStream(name: "stdout" | "stderr", text: string): void {
    if (text === "") return;
    const last = this.#clearIfAsked().at(-1);
    const plain = stripVTControlCharacters(text);
    if (last?.output_type !== "stream" || last.name !== name) {
      this.#cell.outputs.push({ output_type: "stream", name, text: splitLines(plain) });
      return;
    }
    // Only the last line can go on, so the rest need not be split again.
    const unfinished = last.text.pop() ?? "";
    last.text.push(...splitLines(unfinished + plain));
  }

  /** Adds an error with its stack trace. */
  addError(ename: string, evalue: string, traceback: string[]): void {
    const plain = traceback.map(stripVTControlCharacters);
    this.#clearIfAsked().push({ output_type: "error", ename, evalue, traceback: plain });
  }

  #addDisplay(type: "display_data" | "execute_result", content: Message["content"]): void {
    const output: DisplayOutput = {
      output_type: type,
      data: mimeBundle(content["data"]),
      metadata: object(content["metadata"]),
    };
    if (type === "execute_result") output.execution_count = this.#cell.execution_count ?? 0;
    this.#clearIfAsked().push(output);
    const id = displayId(content);
    if (id !== undefined) this.#displays.set(id, [...this.#displays.get(id) ?? [], output]);
  }

  #clearIfAsked(): CellOutput[] {
    if (this.#clearBeforeNext) this.#cell.outputs.length = 0;
    this.#clearBeforeNext = false;
    return this.#cell.outputs;
  }
}

function displayId(content: Message["content"]): string | undefined {
  const id = object(content["transient"])["display_id"];
  return typeof id === "string" ? id : undefined;
}

/** Text goes into the file as lines, everything else (base64, JSON) as it is. */
function mimeBundle(data: unknown): Record<string, unknown> {
  const entries = Object.entries(object(data)).map(([type, value]) => {
    const isText = type.startsWith("text/") || type === "image/svg+xml";
    if (!isText || typeof value !== "string") return [type, value];
    return [type, splitLines(stripVTControlCharacters(value))];
  });
  return Object.fromEntries(entries);
}

function object(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
}
