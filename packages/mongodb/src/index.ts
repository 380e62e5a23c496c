export { createMongoTaskStore } from "./create-mongo-task-store.ts";
export { createMongoDriver } from "./mongodb-driver.ts";
export {
  MONGO_DEFAULTS,
  type MongoChangeStreamLike,
  type MongoClientLike,
  type MongoClientOptionsLike,
  type MongoCollectionLike,
  type MongoDbLike,
  type MongoDefaults,
  type MongoDocument,
  type MongoDriverOptions,
  type MongoTaskStoreOptions,
} from "./options.ts";
