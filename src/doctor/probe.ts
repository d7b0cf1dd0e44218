/** Loads TensorFlow, and prints what it is as one line of JSON; a process of its own for the doctor. */
try {
  const { tensorflowVersion, tf, usesGpu } = await import("@/tensorflow/mod.ts");
  const [sum] = tf.tidy(() => tf.add(tf.tensor1d([1]), tf.tensor1d([2])).dataSync());
  if (sum !== 3) throw new Error(`1 + 2 is ${sum}`);
  const devices = usesGpu("auto") ? ["CPU", "GPU"] : ["CPU"];
  console.log(JSON.stringify({ version: tensorflowVersion, devices }));
} catch (error) {
  const problem = error instanceof Error ? error.message : String(error);
  console.log(JSON.stringify({ problem }));
}
