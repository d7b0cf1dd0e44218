import type { IJob } from "kubernetes-models/batch/v1/Job";
import { stringify } from "yaml";
import type { Job } from "./job.ts";
import type { Resources } from "./resources.ts";
import { commentText, shellText, trainArguments, type TrainCall } from "./train_call.ts";

/** How a set of jobs runs on Kubernetes. */
export interface KubernetesOptions extends Resources {
  name: string;
  /** The command that made it, for the reader. */
  madeBy: string;
  /** Container image with the project, set up, in its working folder. */
  image: string;
  /** Persistent volume claim for `/storage`: films in `data`, records and checkpoints in `runs`. */
  claim: string;
  /** Default: the one that kubectl is set to. */
  namespace?: string;
  /** Processes of each run, which train together. */
  workers: number;
}

/** Where the volume is seen. */
const STORAGE = "/storage";
/** Seconds that a run has to save when its pod must go. */
const SECONDS_TO_SAVE = 120;
/** Times that a run may fail, beside the times that its pod is taken away. */
const RETRIES = 3;
/** The port that the training operator gives to TF_CONFIG, by its name (Kubeflow, TFJob). */
const TFJOB_PORT = { name: "tfjob-port", containerPort: 2222 };

type PodTemplate = NonNullable<IJob["spec"]>["template"];

/**
 * The part of Kubeflow's TFJob (kubeflow.org/v1) that is used: as many pods as workers, each with its
 * `TF_CONFIG`.
 */
export interface TFJob {
  apiVersion: "kubeflow.org/v1";
  kind: "TFJob";
  metadata: { name: string; namespace?: string };
  spec: {
    runPolicy: { backoffLimit: number; cleanPodPolicy: "Running" | "All" | "None" };
    tfReplicaSpecs: {
      Worker: { replicas: number; restartPolicy: "OnFailure"; template: PodTemplate };
    };
  };
}

/**
 * Manifests for `kubectl create`: one indexed Job whose pods are the runs, or, if each run has several
 * workers, one TFJob for each run.
 *
 * A pod that is evicted, preempted or drained is replaced and goes on from its run's last checkpoint. That
 * does not count as a failure.
 */
export function kubernetesManifests(
  call: TrainCall,
  jobs: readonly Job[],
  options: KubernetesOptions,
): (IJob | TFJob)[] {
  if (options.workers === 1) return [indexedJob(call, jobs, options)];
  return jobs.map((job, i) => tfJob(call, job, jobs.length === 1 ? "" : `-${i}`, options));
}

/** Manifests as YAML, with who made them on top. */
export function manifestText(
  manifests: readonly (IJob | TFJob)[],
  call: TrainCall,
  jobs: readonly Job[],
  { madeBy }: KubernetesOptions,
): string {
  const labels = jobs.length > 1 ? jobs.map(({ label }, i) => `# ${i}: ${label}\n`).join("") : "";
  return `# Runs of ${call.names.join(", then ")}\n${
    commentText(`Made by: ${madeBy}`)
  }\n# To start them: kubectl create -f FILE\n` +
    labels +
    manifests.map((manifest) => stringify(manifest, { lineWidth: 0, aliasDuplicateObjects: false }))
      .join("---\n");
}

function indexedJob(call: TrainCall, jobs: readonly Job[], options: KubernetesOptions): IJob {
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: metadata(options.name, options),
    spec: {
      completions: jobs.length,
      parallelism: jobs.length,
      completionMode: "Indexed",
      backoffLimitPerIndex: RETRIES,
      // never two pods that write into one run
      podReplacementPolicy: "Failed",
      podFailurePolicy: {
        rules: [
          { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
          // wrong usage, which stays wrong
          { action: "FailIndex", onExitCodes: { operator: "In", values: [2] } },
        ],
      },
      template: podTemplate(call, { name: "train", command: chooseRun(call, jobs) }, options),
    },
  };
}

function tfJob(call: TrainCall, job: Job, suffix: string, options: KubernetesOptions): TFJob {
  const container = {
    name: "tensorflow", // by this name the operator finds it
    command: ["deno", "run", "-A", "src/cli/train.ts", ...trainArguments(call, job)],
    ports: [TFJOB_PORT],
  };
  return {
    apiVersion: "kubeflow.org/v1",
    kind: "TFJob",
    metadata: metadata(options.name + suffix, options),
    spec: {
      runPolicy: { backoffLimit: RETRIES, cleanPodPolicy: "Running" },
      tfReplicaSpecs: {
        Worker: {
          replicas: options.workers,
          restartPolicy: "OnFailure",
          template: podTemplate(call, container, options),
        },
      },
    },
  };
}

function metadata(name: string, { namespace }: KubernetesOptions) {
  return { name, ...(namespace !== undefined && { namespace }) };
}

/** Starts the run whose number Kubernetes gives to this pod. */
function chooseRun(call: TrainCall, jobs: readonly Job[]): string[] {
  const commands = jobs.map((job) =>
    `exec ${shellText(["deno", "run", "-A", "src/cli/train.ts", ...trainArguments(call, job)])}`
  );
  const cases = commands.map((command, i) => `  ${i}) ${command} ;;`);
  const script = `case "$JOB_COMPLETION_INDEX" in\n${cases.join("\n")}\nesac\n`;
  return ["sh", "-c", script];
}

function podTemplate(
  call: TrainCall,
  container: { name: string; command: string[]; ports?: (typeof TFJOB_PORT)[] },
  { image, claim, workers, cpus, memory, gpus }: KubernetesOptions,
) {
  const needs = {
    ...(cpus !== undefined && { cpu: `${cpus}` }),
    ...(memory !== undefined && { memory: `${memory}Gi` }),
    ...(gpus !== undefined && { "nvidia.com/gpu": `${gpus}` }),
  };
  return {
    metadata: {
      labels: { app: "pneumothorax" },
      // A sidecar would stand between the workers, and outlive them.
      ...(workers > 1 && { annotations: { "sidecar.istio.io/inject": "false" } }),
    },
    spec: {
      restartPolicy: workers > 1 ? "OnFailure" as const : "Never" as const,
      terminationGracePeriodSeconds: SECONDS_TO_SAVE,
      containers: [{
        ...container,
        image,
        env: [
          { name: "PNEUMOTHORAX_DATA", value: `${STORAGE}/data` },
          { name: "PNEUMOTHORAX_RUNS", value: `${STORAGE}/runs` },
          ...(call.quick ? [{ name: "PNEUMOTHORAX_QUICK", value: "1" }] : []),
        ],
        ...(Object.keys(needs).length > 0 && { resources: { requests: needs, limits: needs } }),
        volumeMounts: [{ name: "storage", mountPath: STORAGE }],
      }],
      volumes: [{ name: "storage", persistentVolumeClaim: { claimName: claim } }],
    },
  };
}
