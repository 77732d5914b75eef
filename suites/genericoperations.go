package suites

import "time"

// genericOperations are the steps that need nothing of a driver but that it is one: files, programs, requests to a
// device, lines of an event log. The agent performs them.
func genericOperations() []operation {
	here := []contextName{atPassive()}
	return []operation{
		{name: "upload", code: opUpload, contexts: here, performer: byAgent, patience: patience, scalar: "file",
			doc: "Brings a file into the guest; `upload: out/tool.exe` will do.",
			args: []argument{
				{name: "file", kind: argLocal, required: true, doc: "the file here; a relative path counts from the suite's folder"},
				{name: "to", kind: argPath, doc: "where it belongs in the guest; the file's name unless given. A relative path counts from a folder of the case's own"},
			},
			values: []value{{name: "bytes", index: valueFileBytes, kind: valueBytes, doc: "how long the file is"}}},
		{name: "run", code: opRun, contexts: here, performer: byAgent, patience: patience, scalar: "program",
			doc: "Runs a program in the guest, in the case's folder, and waits until it ends; it, and what it started, is ended when its time is up (STATUS_TIMEOUT).",
			args: []argument{
				{name: "program", kind: argPath, required: true, doc: "the program: a path, or a name that Windows finds"},
				{name: "args", kind: argTexts, doc: "its arguments"},
				{name: "limit", kind: argDuration, slot: 0, initial: 10000, doc: "how long it may take, at most 100s; 10s unless given"},
				{name: "stdout", kind: argOutput, doc: "what it has to write: {equals: …}, {contains: …} or {matches: …}, of which the last is a regular expression (RE2)"},
				{name: "stderr", kind: argOutput, doc: "likewise, of its standard error"},
				{name: "tap", kind: argPath, doc: "its results as TAP: `stdout`, or a file that it writes. Every test has to be ok, and there has to be a plan"},
				{name: "junit", kind: argPath, doc: "its results as JUnit XML: a file that it writes, or `stdout`. No test may have failed, and there has to be one"},
			},
			values: []value{
				{name: "exit", index: valueRunExit, doc: "its exit code; 0 unless the step says otherwise"},
				{name: "stdout_bytes", index: valueRunOut, kind: valueBytes, doc: "how much it wrote"},
				{name: "stderr_bytes", index: valueRunErr, kind: valueBytes, doc: "how much it wrote to its standard error"},
			}},
		{name: "collect", code: opCollect, contexts: here, performer: byAgent, patience: patience, scalar: "file",
			doc: "Fetches a file of the guest into the run folder.",
			args: []argument{
				{name: "file", kind: argPath, required: true, doc: "the file; a relative path counts from the case's folder"},
				{name: "as", kind: argFileName, doc: "its name in the run folder; as in the guest unless given"},
				{name: "at_most", kind: argSize, slot: 0, initial: 16 << 20, max: 256 << 20, doc: "a longer one is not fetched (STATUS_FILE_TOO_LARGE); 16MiB unless given"},
			},
			values: []value{{name: "bytes", index: valueFileBytes, kind: valueBytes, doc: "how long the file is"}}},
		{name: "event_log", code: opEventLog, contexts: here, performer: byAgent, patience: 10 * time.Second, requires: CapabilityEventLog,
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
