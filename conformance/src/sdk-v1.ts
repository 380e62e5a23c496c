export { fromSdkV1, type SdkOwners } from "./sdk-v1/from-sdk-v1.ts";
export { sdkV1Mutants } from "./sdk-v1/mutants.ts";
export type { SdkMessageQueue, SdkTask, SdkTaskStore } from "./sdk-v1/sdk-interfaces.ts";
export { sdkV1Target, type SdkV1Stores, type SdkV1TargetOptions } from "./sdk-v1/sdk-v1-target.ts";
