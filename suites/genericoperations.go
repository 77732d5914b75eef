package suites

import (
	"time"

	"wskharness/driver/abi"
)

// genericOperations are the steps that need nothing of a driver but that it is one: files, programs, requests to a
// device, lines of an event log. The agent performs them.
func genericOperations() []operation {
	here := []contextName{atPassive()}
	return []operation{
		{name: "upload", code: abi.PlanOpUpload, contexts: here, executor: byAgent, patience: patience, scalar: "file",
			doc: "Brings a file, or a folder with all that is in it, into the guest; `upload: out/tool.exe` will do. What it brings to an absolute path is taken away again when the case is over.",
			args: []argument{
				{name: "file", kind: argLocal, required: true, doc: "the file or folder here; a relative path counts from the suite's folder"},
				{name: "to", kind: argPath, doc: "where it belongs in the guest; the file's name unless given. A relative path counts from a folder of the case's own"},
				{name: "replace", kind: argBool, slot: 0, flag: abi.PlanUploadReplace, doc: "a file that is there, at an absolute path, makes way until the case is over; else the step ends with ERROR_FILE_EXISTS"},
			},
			values: []value{{name: "bytes", index: abi.PlanValueFileBytes, kind: valueBytes, doc: "how long the file is, or all files together"}}},
		{name: "run", code: abi.PlanOpRun, contexts: here, executor: byAgent, patience: patience, scalar: "program", thread: true,
			doc: "Runs a program in the guest, in the case's folder, and waits until it ends; it, and what it started, is ended when its time is up (STATUS_TIMEOUT). On a thread it runs in the background, and the join has what it came to; at the case's end it is ended.",
			args: []argument{
				{name: "program", kind: argPath, required: true, doc: "the program: a path, or a name that Windows finds"},
				{name: "args", kind: argTexts, doc: "its arguments"},
				{name: "limit", kind: argDuration, slot: 0, initial: 10000, doc: "how long it may take, at most 23h; 10s unless given"},
				{name: "env", kind: argEnv, doc: "environment variables that it gets beside the agent's, `{NAME: text}`; `NAME: null` takes one out. They are in the plan and the record: no place for secrets"},
				{name: "stdin", kind: argInput, doc: "its standard input: {text: …}, {utf16: …}, {hex: …}, or {file: …}, a file of the guest; none unless given"},
				{name: "stdout", kind: argOutput, doc: "what it has to write: {equals: …}, {contains: …} or {matches: …}, of which the last is a regular expression (RE2)"},
				{name: "stderr", kind: argOutput, doc: "likewise, of its standard error"},
				{name: "tap", kind: argPath, doc: "its results as TAP: `stdout`, or a file that it writes, which is taken away first if it is there. Every test has to be ok, and there has to be a plan"},
				{name: "junit", kind: argPath, doc: "its results as JUnit XML: `stdout`, or a file that it writes, which is taken away first if it is there. No test may have failed, and there has to be one"},
			},
			values: []value{
				{name: "exit", index: abi.PlanValueRunExit, kind: valueExit, doc: "its exit code, which a negative number may be, too, or a list of those that will do; 0 unless the step says otherwise"},
				{name: "stdout_bytes", index: abi.PlanValueRunOut, kind: valueBytes, doc: "how much it wrote"},
				{name: "stderr_bytes", index: abi.PlanValueRunErr, kind: valueBytes, doc: "how much it wrote to its standard error"},
			}},
		{name: "collect", code: abi.PlanOpCollect, contexts: here, executor: byAgent, patience: patience, scalar: "file",
			doc: "Fetches a file of the guest into the run folder.",
			args: []argument{
				{name: "file", kind: argPath, required: true, doc: "the file; a relative path counts from the case's folder"},
				{name: "as", kind: argFileName, doc: "its name in the run folder; as in the guest unless given"},
				{name: "at_most", kind: argSize, slot: 0, initial: 16 << 20, max: 256 << 20, doc: "a longer one is not fetched (STATUS_FILE_TOO_LARGE); 16MiB unless given"},
			},
			values: []value{{name: "bytes", index: abi.PlanValueFileBytes, kind: valueBytes, doc: "how long the file is"}}},
		{name: "registry", code: abi.PlanOpRegistry, contexts: here, executor: byAgent, patience: patience,
			doc: "Looks at a value of the registry, or changes it until the case is over. A value or a key that is not there is ERROR_FILE_NOT_FOUND.",
			args: []argument{
				{name: "key", kind: argText, doc: "its key, `HKLM\\…` or `HKU\\…`"},
				{name: "name", kind: argRegName, doc: "its name; the key's default value unless given"},
				{name: "parameter", kind: argRegName, doc: "in their place: its name below the key `Parameters` of the driver's service"},
				{name: "equals", kind: argRegistry, doc: "what it has to be: a number (REG_DWORD, or REG_QWORD where it does not fit), a text (REG_SZ), a list of texts (REG_MULTI_SZ), `{hex: 00ff}` (REG_BINARY), or of a type by its name: `{dword: 5}`, `{qword: 5}`, `{text: \"5\"}`, `{expand: \"%TEMP%\"}`, `{list: [a]}`"},
				{name: "set", kind: argRegistry, doc: "what it is made, with its key where there is none"},
				{name: "delete", kind: argBool, slot: 0, flag: abi.PlanRegistryDelete, doc: "it is deleted"},
				{name: "absent", kind: argBool, doc: "there has to be none"},
			},
			values: []value{
				{name: "type", index: abi.PlanValueRegistryType, kind: valueName, names: registryTypes(), doc: "its type"},
				{name: "bytes", index: abi.PlanValueRegistryBytes, doc: "how long it is"},
			}},
		{name: "event_log", code: abi.PlanOpEventLog, contexts: here, executor: byAgent, patience: 10 * time.Second, requires: CapabilityEventLog,
			doc: "Waits for a line of Windows's event log that was written since the case began (else STATUS_TIMEOUT).",
			args: []argument{
				{name: "channel", kind: argText, doc: "the log; System unless given"},
				{name: "source", kind: argText, doc: "the provider that wrote it"},
				{name: "id", kind: argNumber, slot: 1, max: 65535, doc: "its event id"},
				{name: "contains", kind: argText, doc: "what its XML contains"},
				{name: "wait", kind: argDuration, slot: 0, initial: 5000, doc: "how long to wait for it; 5s unless given"},
			}},
	}
}
