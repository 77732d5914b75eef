package hyperv

import (
	"context"
	"time"

	"github.com/hashicorp/go-hclog"

	"wskharness/remote"
	"wskharness/vm/powershell"
)

const (
	// clockTolerance is by how much a guest's clock may be wrong. It takes PowerShell a few seconds to start.
	clockTolerance = 10 * time.Second
	clockLimit     = 2 * time.Minute
)

// setClock sees to the clock of a guest that goes on from a checkpoint: it takes the time for that of the checkpoint, unless
// Hyper-V's time service is at work in it. A guest that can't be told is told of, and no worse off than without.
func setClock(ctx context.Context, e remote.Endpoint, logger hclog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, clockLimit)
	defer cancel()
	client, err := remote.New(e, remote.Options{})
	if err != nil {
		return // nothing can be done in it at all, as whoever does something there will say
	}
	defer client.Close()
	var answer struct {
		Behind int64 `json:"behind"` // in seconds, before
	}
	err = powershell.Run(ctx, powershell.Remote(client, e.URL), powershell.Script{Name: "set the guest's clock", Text: read("clock")},
		map[string]any{"unixMillis": time.Now().UnixMilli(), "tolerance": clockTolerance / time.Second}, &answer)
	switch {
	case err != nil:
		logger.Warn("the guest goes on from a checkpoint, and whether its clock is right is not known", "error", err)
	case time.Duration(answer.Behind)*time.Second > clockTolerance:
		logger.Info("the guest's clock was behind, and was set: its integration services do not keep it", "seconds", answer.Behind)
	}
}
