/** Prints the kinds of TensorFlow's devices, one a line. */
import { listDevices } from "@/tensorflow/mod.ts";

for (const { type } of listDevices()) console.log(type);
