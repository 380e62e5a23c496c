export { asStatusMessage } from "./outcome-encoding.ts";
export { cancelTask } from "./cancel-task.ts";
export {
  checkTasksCapability,
  hasTaskAugmentedElicitation,
  hasTaskAugmentedSampling,
  requireTaskAugmentedElicitation,
  requireTaskAugmentedSampling,
} from "./client-capabilities.ts";
export type { CapabilitiesWithTasks, ClientTasksCapability } from "./client-capabilities.ts";
export { createTaskState } from "./create-task-state.ts";
export type { TaskStateParams } from "./create-task-state.ts";
export { createTaskStore } from "./create-task-store.ts";
export { isTaskStoreError, TaskStoreError } from "./errors.ts";
export type { TaskStoreErrorCode, TaskStoreErrorOptions } from "./errors.ts";
export type { JsonObject, JsonText } from "./json.ts";
export { MODEL_IMMEDIATE_RESPONSE_KEY, RELATED_TASK_METADATA_KEY } from "./metadata-keys.ts";
export { TASK_STORE_DEFAULTS } from "./options.ts";
export type { TaskStoreDefaults, TaskStoreOptions } from "./options.ts";
export { pollUntilTerminal } from "./poll-until-terminal.ts";
export type { PolledTask, PollOptions } from "./poll-until-terminal.ts";
export { Resolver } from "./resolver.ts";
export { isTerminal } from "./task.ts";
export type {
  Generation,
  InputRequest,
  JsonRpcError,
  LeaseInfo,
  OpenStatus,
  Task,
  TaskInput,
  TaskOutcome,
  TaskRequest,
  TaskStatus,
  TerminalStatus,
} from "./task.ts";
export { generateTaskId } from "./task-id.ts";
export type { TaskContext } from "./task-context.ts";
export type {
  Alternative,
  Change,
  DriverCallOptions,
  DriverReadOptions,
  DriverCapabilities,
  DriverHints,
  DriverMessage,
  DriverMessages,
  DueAnswer,
  FieldChanges,
  Guards,
  HintListener,
  Insert,
  InsertAnswer,
  MessagePush,
  MessageTake,
  PageAnswer,
  PagePosition,
  PageQuery,
  PushAnswer,
  ReadAnswer,
  Remove,
  TakeAnswer,
  TaskDriver,
  Write,
  WriteAnswer,
} from "./task-driver.ts";
export { taskExecution } from "./task-execution.ts";
export type { TaskExecutionOptions, TaskHandler } from "./task-execution.ts";
export type { DrainOptions, PushOptions, QueuedMessage, ShiftOptions, TaskMessageQueue } from "./task-messages.ts";
export type { LeaseRecord, RingEntry, TaskRecord } from "./task-record.ts";
export type {
  AcquireOptions,
  CallOptions,
  CancelOptions,
  CreateTaskParams,
  FinishOptions,
  GetTaskOptions,
  Lease,
  ListTasksParams,
  MaintenanceReport,
  ReleaseOptions,
  RenewOptions,
  RootCreateTaskParams,
  ScopedTaskStore,
  TaskChange,
  TaskPage,
  TaskStore,
  TaskStoreCapabilities,
  WaitOptions,
  WriteOptions,
} from "./task-store.ts";
