/**
 * TensorFlow's server listens on all addresses of a machine, whatever it is told; whoever reaches it may
 * run what they like. Linux lets a process put a filter on its own sockets.
 */
import { isIPv6 } from "node:net";

/**
 * Makes the sockets on which this process listens at a port take packets that are sent to one address
 * alone. A filter that says so (classic BPF; Linux's `SO_ATTACH_FILTER`) stays on all their connections.
 *
 * @param ip The address that packets may be sent to.
 * @param port The port.
 * @returns Whether there were such sockets and all of them have the filter: `false` on other systems.
 */
export function onlyOwnAddress(ip: string, port: number): boolean {
  try {
    const sockets = listeningSockets(port);
    return sockets.length > 0 && attachFilter(sockets, addressFilter(ip));
  } catch {
    return false;
  }
}

/** File descriptors of this process's sockets that listen on a port (proc(5)). */
function listeningSockets(port: number): number[] {
  const LISTEN = "0A";
  const hexadecimal = port.toString(16).toUpperCase().padStart(4, "0");
  const inodes = new Set<string>();
  for (const table of ["tcp", "tcp6"]) {
    for (const line of Deno.readTextFileSync(`/proc/self/net/${table}`).split("\n").slice(1)) {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
      if (state === LISTEN && local?.endsWith(`:${hexadecimal}`)) inodes.add(`socket:[${inode}]`);
    }
  }
  return [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => Number(name)).filter((fd) => {
    try {
      return inodes.has(Deno.readLinkSync(`/proc/self/fd/${fd}`));
    } catch {
      return false; // closed meanwhile
    }
  });
}

/** One instruction: code, jump if true, jump if false, constant; see linux/bpf_common.h. */
type Instruction = [code: number, jumpTrue: number, jumpFalse: number, constant: number];

/** A program that keeps packets to an address and drops all others. */
function addressFilter(ip: string): Instruction[] {
  const LOAD_BYTE = 0x30, LOAD_WORD = 0x20, SHIFT_RIGHT = 0x74, JUMP_IF_EQUAL = 0x15, RETURN = 0x06;
  const NETWORK_HEADER = 0xfff00000, V4_DESTINATION = 16, V6_DESTINATION = 24;
  const ALL = 0xffffffff, NOTHING = 0;
  const isV6 = isIPv6(ip);
  const words = isV6 ? v6Words(ip) : [v4Word(ip)];
  const start = NETWORK_HEADER + (isV6 ? V6_DESTINATION : V4_DESTINATION);
  const drop = (from: number) => 2 * words.length + 4 - from;
  const program: Instruction[] = [
    [LOAD_BYTE, 0, 0, NETWORK_HEADER],
    [SHIFT_RIGHT, 0, 0, 4],
    [JUMP_IF_EQUAL, 0, drop(3), isV6 ? 6 : 4],
  ];
  for (const [i, word] of words.entries()) {
    program.push([LOAD_WORD, 0, 0, start + 4 * i]);
    program.push([JUMP_IF_EQUAL, 0, drop(program.length + 1), word]);
  }
  program.push([RETURN, 0, 0, ALL], [RETURN, 0, 0, NOTHING]);
  return program;
}

function v4Word(ip: string): number {
  return ip.split(".").reduce((word, byte) => (word * 256 + Number(byte)) >>> 0, 0);
}

function v6Words(ip: string): number[] {
  // The URL parser writes the shortest form, in hexadecimal alone.
  const [left, right] = new URL(`http://[${ip}]/`).hostname.slice(1, -1).split("::");
  const parts = (text: string | undefined) =>
    text ? text.split(":").map((part) => parseInt(part, 16)) : [];
  const [before, after] = [parts(left), parts(right)];
  const all = [...before, ...new Array(8 - before.length - after.length).fill(0), ...after];
  return [0, 2, 4, 6].map((i) => (all[i]! * 65536 + all[i + 1]!) >>> 0);
}

function attachFilter(sockets: number[], program: Instruction[]): boolean {
  const SOL_SOCKET = 1, SO_ATTACH_FILTER = 26;
  const instructions = new Uint8Array(8 * program.length);
  const view = new DataView(instructions.buffer);
  for (const [i, [code, jumpTrue, jumpFalse, constant]] of program.entries()) {
    view.setUint16(8 * i, code, true);
    view.setUint8(8 * i + 2, jumpTrue);
    view.setUint8(8 * i + 3, jumpFalse);
    view.setUint32(8 * i + 4, constant, true);
  }
  // struct sock_fprog: a length, padding, a pointer.
  const filter = new Uint8Array(16);
  const pointer = Deno.UnsafePointer.value(Deno.UnsafePointer.of(instructions));
  new DataView(filter.buffer).setUint16(0, program.length, true);
  new DataView(filter.buffer).setBigUint64(8, pointer, true);
  const system = Deno.dlopen("libc.so.6", {
    setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  });
  try {
    const { setsockopt } = system.symbols;
    return sockets.map((fd) => setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, filter, filter.length))
      .every((result) => result === 0);
  } finally {
    system.close();
  }
}
