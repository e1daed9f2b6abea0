// Backups as files. What is in them is read and written by `countersign/store/sqlite` and `countersign/store/postgres`.
export type { Backup, BackupHeader, WriteBackupOptions } from "./backup/backup-file.ts";
export { openBackup, writeBackup } from "./backup/backup-file.ts";
export type {
  BackupColumn,
  BackupPart,
  BackupRow,
  BackupValue,
  ColumnKind,
  Snapshot,
} from "./backup/backup-part.ts";
export { BackupError } from "./backup/backup-part.ts";
