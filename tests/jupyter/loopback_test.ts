import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { Kernel } from "@/jupyter/mod.ts";

const ignore = Deno.build.os !== "linux"; // it looks into /proc

/** Addresses that a process and those it has started listen on, as /proc/net writes them. */
function listeningOn(pid: number): string[] {
  const sockets = new Set<string>();
  for (const id of withChildren(pid)) {
    for (const { name } of Deno.readDirSync(`/proc/${id}/fd`)) {
      try {
        const target = Deno.readLinkSync(`/proc/${id}/fd/${name}`);
        const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
        if (inode) sockets.add(inode);
      } catch {
        // It has been closed meanwhile.
      }
    }
  }
  const LISTEN = "0A";
  return ["tcp", "tcp6"].flatMap((kind) =>
    Deno.readTextFileSync(`/proc/net/${kind}`).trim().split("\n").slice(1).flatMap((line) => {
      const [, address, , state, , , , , , inode] = line.trim().split(/\s+/);
      return state === LISTEN && sockets.has(inode!) ? [address!.split(":")[0]!] : [];
    })
  );
}

function withChildren(pid: number): number[] {
  const children = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).trim();
  return [pid, ...children.split(/\s+/).filter(Boolean).map(Number).flatMap(withChildren)];
}

/** 127.0.0.1, the bytes in the machine's order. */
const LOOPBACK = "0100007F";

Deno.test("a kernel of the notebook runner listens on this machine alone", { ignore }, async () => {
  const kernel = await Kernel.start({ cwd: "." });
  try {
    let pid = 0;
    await kernel.execute("console.log(Deno.pid)", {
      onMessage: ({ type, content }) => {
        if (type === "stream") pid = Number(content["text"]);
      },
    });
    const addresses = listeningOn(pid);
    assert(addresses.length >= 5, `shell, control, iopub, stdin and heartbeat: ${addresses}`);
    assertEquals([...new Set(addresses)], [LOOPBACK]);
  } finally {
    await kernel.stop();
  }
});

Deno.test(
  "deno task lab listens on this machine alone, and asks for a token",
  { ignore },
  async () => {
    const script = fileURLToPath(new URL("../../src/cli/lab.ts", import.meta.url));
    const lab = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", script, "--no-browser", "--ServerApp.port_retries=50"],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
      // What a user or a machine may have set; the task's own settings come first.
      env: { JUPYTER_TOKEN: "" },
    }).spawn();
    try {
      let log = "";
      let found: RegExpExecArray | null = null;
      const reader = lab.stderr.pipeThrough(new TextDecoderStream()).getReader();
      while (!found) {
        const { value, done } = await reader.read();
        assert(!done, `JupyterLab has ended: ${log}`);
        log += value;
        found = /http:\/\/127\.0\.0\.1:(\d+)\/lab[^?\s]*\?token=([0-9a-f]{32,})/.exec(log);
      }
      const [, port, token] = found;
      const status = async (query: string) => {
        const response = await fetch(`http://127.0.0.1:${port}/api/status${query}`);
        await response.body?.cancel();
        return response.status;
      };
      assertEquals(await status(""), 403);
      assertEquals(await status("?token=wrong"), 403);
      assertEquals(await status(`?token=${token}`), 200);
      assertEquals([...new Set(listeningOn(lab.pid))], [LOOPBACK]);
      await reader.cancel();
    } finally {
      lab.kill("SIGTERM");
      await lab.status;
    }
  },
);
