/** Says what a machine has of what this project needs, and how to mend what it lacks. */
export { examine, type Finding, findingText, type Status } from "./finding.ts";
export { commandOutput } from "./command_output.ts";
export { CHECKS } from "./checks.ts";
export { type Machine, thisMachine } from "./machine.ts";
