package guest

// Home is where the harness keeps its things in a guest (docs/protocol.md, "Conventions").
const Home = `C:\wskharness`

// AgentPath is where the agent whose image has this SHA-256 (hex) lives in a guest.
func AgentPath(sha256 string) string { return Home + `\agent\` + sha256[:16] + `\wskagent.exe` }

// StorePath is where a pushed package belongs: a folder named by the package's hash, so that
// another package never overwrites one that a driver may still be loaded from.
func StorePath(packageHash, name string) string { return Home + `\store\` + packageHash + `\` + name }

// planPath and JournalPath name the files of a run.
func planPath(runID string) string    { return Home + `\runs\` + runID + `\plan.bin` }
func JournalPath(runID string) string { return Home + `\runs\` + runID + `\journal.ndjson` }

// CollectedPath is the folder with what the cases of a run have collected: a folder for each, named by its number.
func CollectedPath(runID string) string { return Home + `\runs\` + runID + `\files` }
