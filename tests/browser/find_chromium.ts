const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** Where a Chromium is, or undefined; `PNEUMOTHORAX_CHROMIUM` names one. */
export const CHROMIUM = await findChromium();

async function findChromium(): Promise<string | undefined> {
  const named = Deno.env.get("PNEUMOTHORAX_CHROMIUM");
  if (named) return named;
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  for (const path of folders.flatMap((folder) => NAMES.map((name) => `${folder}/${name}`))) {
    if (await Deno.stat(path).then(({ isFile }) => isFile, () => false)) return path;
  }
  return undefined;
}
