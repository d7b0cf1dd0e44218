import { c, type Pointer, readCString, Status, status } from "./c_api.ts";
import { configProto } from "./config.ts";
import { preferDeterminism } from "./determinism.ts";
import { quietly } from "./quiet_start.ts";

/** Limits the threads of TensorFlow; unset, it takes one for each core. */
const THREADS_VARIABLE = "PNEUMOTHORAX_THREADS";

function threadsFromEnvironment(): { threads?: number } {
  const value = Deno.env.get(THREADS_VARIABLE);
  if (value === undefined || value === "") return {};
  const threads = Number(value);
  if (!Number.isInteger(threads) || threads < 1) {
    throw new RangeError(
      `Cannot limit TensorFlow's threads as ${THREADS_VARIABLE} must be a positive integer: ${value}`,
    );
  }
  return { threads };
}

function newContext(): Pointer {
  const options = c.TFE_NewContextOptions();
  try {
    const config = configProto(threadsFromEnvironment());
    c.TFE_ContextOptionsSetConfig(options, config, BigInt(config.length), status.pointer);
    status.check("configure TensorFlow");
    const context = c.TFE_NewContext(options, status.pointer);
    status.check("start TensorFlow");
    return context;
  } finally {
    c.TFE_DeleteContextOptions(options);
  }
}

/** The process's one eager context. */
export const context: Pointer = quietly(newContext);

preferDeterminism(listDevices());

/** A processor that TensorFlow computes on. */
export interface Device {
  /** "CPU" or "GPU". */
  type: string;
  /** TensorFlow's name, for example "/job:localhost/replica:0/task:0/device:GPU:0". */
  name: string;
}

/** The devices TensorFlow found, the CPU first. */
export function listDevices(): Device[] {
  const call = new Status();
  const list = c.TFE_ContextListDevices(context, call.pointer);
  try {
    call.check("list the devices");
    return Array.from({ length: c.TF_DeviceListCount(list) }, (_, i) => ({
      type: readCString(c.TF_DeviceListType(list, i, call.pointer)),
      name: readCString(c.TF_DeviceListName(list, i, call.pointer)),
    }));
  } finally {
    c.TF_DeleteDeviceList(list);
    call.delete();
  }
}
