package guest

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"wskharness/guest/transfer"
	"wskharness/guest/untrusted"
)

// bootstrapLimit is the largest agent that is brought into a guest.
const bootstrapLimit = 16 << 20

// bootstrap brings the agent into the guest: another agent that is there receives it; where there is none, or none that works,
// PowerShell does on Windows, and cscript on Wine. The caller probes afterwards: only an agent that
// answers with its own hash counts.
func (g *Guest) bootstrap(ctx context.Context, missing error) error {
	failed := &bootstrapError{agent: g.exe, tried: []bootstrapAttempt{{"run it where it should be", missing}}}
	image, err := g.readAgent()
	if err != nil {
		return err
	}
	s, err := g.survey(ctx)
	if err != nil {
		failed.tried = append(failed.tried, bootstrapAttempt{"look around in the guest with cmd.exe", err})
		failed.advice = "the connection must be able to run cmd.exe"
		return failed
	}
	failed.kind = s.kind
	for _, way := range g.ways(s, image) {
		err := way.do(ctx)
		if err == nil {
			g.log.Info("the agent is in the guest", "path", g.exe, "way", way.name)
			return nil
		}
		g.log.Debug("bootstrap", "way", way.name, "error", err)
		failed.tried = append(failed.tried, bootstrapAttempt{way.name, err})
		if ctx.Err() != nil {
			break
		}
	}
	failed.advice = fmt.Sprintf("copy %s to %s in the guest by hand, or give the connection's user the right to write there", g.agent.Path, g.exe)
	return failed
}

type bootstrapWay struct {
	name string
	do   func(context.Context) error
}

func (g *Guest) ways(s survey, image []byte) []bootstrapWay {
	var ways []bootstrapWay
	for _, dir := range s.agents {
		exe := Home + `\agent\` + dir + `\wskagent.exe`
		if exe == g.exe {
			continue // it is this one that does not work
		}
		ways = append(ways, bootstrapWay{"let " + exe + " receive it", func(ctx context.Context) error {
			file := transfer.File{Path: g.exe, Data: bytes.NewReader(image), Size: int64(len(image)), SHA256: g.agent.SHA256}
			_, err := transfer.NewMover(link{g, exe}, g.log).Push(ctx, []transfer.File{file}, nil)
			return err
		}})
	}
	if s.kind == KindWindows {
		return append(ways, bootstrapWay{"let PowerShell receive it", func(ctx context.Context) error {
			return g.receiveByPowerShell(ctx, image)
		}})
	}
	return append(ways, bootstrapWay{"let cscript write it", func(ctx context.Context) error {
		return g.receiveByScript(ctx, image)
	}})
}

// readAgent reads the agent's image and makes sure that it is the one that was asked for.
func (g *Guest) readAgent() ([]byte, error) {
	f, err := os.Open(g.agent.Path)
	if err != nil {
		return nil, fmt.Errorf("bring the agent into the guest: %w", err)
	}
	defer f.Close()
	image, err := io.ReadAll(io.LimitReader(f, bootstrapLimit+1))
	if err != nil {
		return nil, fmt.Errorf("bring the agent into the guest: %w", err)
	}
	if len(image) > bootstrapLimit {
		return nil, fmt.Errorf("bring the agent into the guest: %s is larger than %d bytes", g.agent.Path, bootstrapLimit)
	}
	want, _ := hex.DecodeString(g.agent.SHA256) // checked by Connect
	if sum := transfer.Contents(g.exe, image).SHA256; sum != hex.EncodeToString(want) {
		return nil, fmt.Errorf("bring the agent into the guest: %s has SHA-256 %s, not %s: build it again", g.agent.Path, sum, g.agent.SHA256)
	}
	return image, nil
}

// survey is what cmd.exe tells about a guest without an agent.
type survey struct {
	kind   string   // KindWine or KindWindows
	agents []string // folders of other agents, the newest first
}

const (
	// wineboot.exe is part of Wine and of no Windows. The else of an if takes all that follows it
	// on a line, so it comes last.
	surveyLine = `dir /b /ad /o-d ` + Home + `\agent 2>nul & ` +
		`if exist %SystemRoot%\System32\wineboot.exe (echo kind=wine) else (echo kind=windows)`

	maxOldAgents = 3
)

func (g *Guest) survey(ctx context.Context) (survey, error) {
	result, err := g.runLine(ctx, surveyLine, nil)
	if err != nil {
		return survey{}, err
	}
	return parseSurvey(result.Stdout)
}

func parseSurvey(out []byte) (survey, error) {
	var s survey
	folder := regexp.MustCompile(`^[0-9a-f]{16}$`)
	for _, l := range strings.Split(string(out), "\n") {
		l = strings.TrimSpace(l)
		kind, isKind := strings.CutPrefix(l, "kind=")
		switch {
		case isKind && (kind == KindWine || kind == KindWindows):
			s.kind = kind
		case folder.MatchString(l) && len(s.agents) < maxOldAgents:
			s.agents = append(s.agents, l)
		}
	}
	if s.kind == "" {
		return survey{}, errors.New("cmd.exe did not say what kind of guest this is, but " + untrusted.Clip(untrusted.Printable(out), 200))
	}
	return s, nil
}
