import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { Job } from "kubernetes-models/batch/v1/Job";
import { Pod } from "kubernetes-models/v1/Pod";
import { parseAllDocuments } from "yaml";
import { foldJobs, kubernetesManifests, manifestText, type TFJob } from "@/jobs/mod.ts";

const CALL = { names: ["phantom/1-128"], overrides: ["training.epochs=2"], quick: true };
const OPTIONS = {
  name: "phantom-1-128-folds",
  madeBy: "deno task train phantom/1-128 --folds 3",
  image: "registry.example/pneumothorax:1",
  claim: "films",
  workers: 1,
  cpus: 4,
  memory: 16,
  gpus: 1,
};

/** The documents of the YAML, as kubectl reads them. */
function documents(workers: number) {
  const options = { ...OPTIONS, workers };
  const jobs = foldJobs(3);
  const text = manifestText(kubernetesManifests(CALL, jobs, options), CALL, jobs, options);
  return parseAllDocuments(text).map((document) => document.toJS());
}

Deno.test("kubernetesManifests() makes an indexed Job that Kubernetes's schema allows", () => {
  const [manifest, ...others] = documents(1);
  assertEquals(others, []);
  new Job(manifest).validate();
  const { spec } = manifest;
  assertEquals([spec.completions, spec.completionMode], [3, "Indexed"]);
  // without these two, the API server refuses what the schema allows
  assertEquals(spec.template.spec.restartPolicy, "Never", "podFailurePolicy wants Never");
  assert(spec.backoffLimitPerIndex > 0);
  assertThrows(() => new Job({ ...manifest, spec: { ...spec, completions: "3" } }).validate());
});

Deno.test("an indexed Job's shell starts the run of its index", async () => {
  const [manifest] = documents(1);
  const { command, env } = manifest.spec.template.spec.containers[0];
  const [shell, ...args] = command as string[];
  for (const index of [0, 1, 2]) {
    // a program in the place of Deno prints its arguments
    const folder = await Deno.makeTempDir();
    await Deno.writeTextFile(`${folder}/deno`, '#!/bin/sh\nprintf "%s\\n" "$@"\n', { mode: 0o755 });
    const { stdout } = await new Deno.Command(shell!, {
      args,
      env: { PATH: `${folder}:/bin:/usr/bin`, JOB_COMPLETION_INDEX: `${index}` },
    }).output();
    await Deno.remove(folder, { recursive: true });
    const words = new TextDecoder().decode(stdout).trim().split("\n");
    assertEquals(words, [
      ...["run", "-A", "src/cli/train.ts", "phantom/1-128"],
      ...["--set", "training.epochs=2"],
      ...["--set", `data.split={ kind: folds, folds: 3, fold: ${index} }`],
      "--unfinished",
    ]);
  }
  assert(env.some((each: { name: string }) => each.name === "PNEUMOTHORAX_QUICK"));
});

Deno.test("kubernetesManifests() makes a TFJob for each run of several workers", () => {
  const manifests = documents(2) as TFJob[];
  assertEquals(manifests.map(({ metadata }) => metadata.name), [
    "phantom-1-128-folds-0",
    "phantom-1-128-folds-1",
    "phantom-1-128-folds-2",
  ]);
  for (const { apiVersion, kind, spec } of manifests) {
    // what kubeflow.org/v1's own schema and defaulting ask for
    assertEquals([apiVersion, kind], ["kubeflow.org/v1", "TFJob"]);
    const { replicas, restartPolicy, template } = spec.tfReplicaSpecs.Worker;
    assertEquals([replicas, restartPolicy], [2, "OnFailure"]);
    const [container] = template.spec!.containers;
    assertEquals(container!.name, "tensorflow");
    assertEquals(container!.ports, [{ name: "tfjob-port", containerPort: 2222 }]);
    new Pod({ metadata: { ...template.metadata, name: "worker" }, spec: template.spec! })
      .validate();
  }
});

Deno.test("manifestText() says which index is which run, and has no YAML alias", () => {
  const jobs = foldJobs(3);
  const text = manifestText(kubernetesManifests(CALL, jobs, OPTIONS), CALL, jobs, OPTIONS);
  assertStringIncludes(text, "# 2: fold=2\n");
  assert(!/[&*]a\d/.test(text));
});
