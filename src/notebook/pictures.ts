import { renderPicture, THEME, type TopLevelSpec } from "@/plots/mod.ts";
import { show } from "./show.ts";

/** Pixels of a chart's PNG for each CSS pixel: sharp on dense screens. */
const SCALE = 2;
/** Charts up to this size are also kept as data, which JupyterLab draws with tooltips and zoom. */
const MAX_LIVE_BYTES = 50_000;

/**
 * Shows a chart as PNG, which every reader of notebooks displays, and small ones also as vega-lite.
 *
 * @param spec The chart, for example from a function of `@/plots`; undefined, as some of them return
 * where the data do not tell what they need, is said in words.
 * @param options.title The text for terminals. Default: the chart's own title.
 * @throws {ChartError} If vega-lite cannot draw the chart without a warning.
 */
export async function showChart(
  spec: TopLevelSpec | undefined,
  options: { title?: string } = {},
): Promise<void> {
  if (spec === undefined) {
    await show({ "text/plain": "No chart: the data do not tell what it needs" });
    return;
  }
  const { png, width, height } = await renderPicture(spec, SCALE);
  const live = { ...spec, $schema: V5_SCHEMA, config: { ...THEME, ...spec.config } };
  const isSmall = JSON.stringify(live).length <= MAX_LIVE_BYTES;
  await show({
    "text/plain": `[chart] ${options.title ?? titleOf(spec)}`,
    "image/png": png.toBase64(),
    ...(isSmall ? { [V5_MIME]: live } : {}),
  }, { metadata: { "image/png": { width, height } } });
}

// JupyterLab 4.6 knows no type for version 6, but draws such charts under the type of version 5.
const V5_MIME = "application/vnd.vegalite.v5+json";
const V5_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json";

function titleOf(spec: TopLevelSpec): string {
  const { title } = spec;
  if (typeof title === "string") return title;
  const text = title !== null && typeof title === "object" && "text" in title ? title.text : "";
  return Array.isArray(text) ? text.join(" ") : String(text);
}

/**
 * Shows a picture.
 *
 * @param bytes The content of a PNG or JPEG file.
 * @param options.width Width in CSS pixels. Default: the picture's own.
 * @param options.text What it shows, for terminals. Default: its format and size.
 * @throws {SyntaxError} If the bytes are neither PNG nor JPEG.
 */
export async function showImage(
  bytes: Uint8Array,
  options: { width?: number; text?: string } = {},
): Promise<void> {
  const type = imageType(bytes);
  const { width, text = `${type}, ${Math.ceil(bytes.length / 1024)} KB` } = options;
  const metadata = width === undefined ? {} : { [type]: { width } };
  await show({ "text/plain": `[image] ${text}`, [type]: bytes.toBase64() }, { metadata });
}

function imageType(bytes: Uint8Array): "image/png" | "image/jpeg" {
  const start = bytes.subarray(0, 4).toHex();
  if (start === "89504e47") return "image/png";
  if (start.startsWith("ffd8ff")) return "image/jpeg";
  throw new SyntaxError(`Cannot show the image as it is neither PNG nor JPEG: it starts ${start}`);
}
