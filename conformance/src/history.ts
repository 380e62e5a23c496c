export { checkHistory, type CheckHistoryOptions, type HistoryVerdict } from "./history/check-history.ts";
export type {
  CallAnswer,
  CreatedWith,
  History,
  HistoryAllowances,
  HistoryCall,
  HistoryOperation,
  LoggedTask,
  TaskPart,
} from "./history/history-data.ts";
export { HistoryRecording, type RecordingOptions, type StartedCall } from "./history/history-recording.ts";
export { recordHistory } from "./history/record-history.ts";
export { describeWitness, type HistoryWitness, type WitnessStep } from "./history/witness.ts";
