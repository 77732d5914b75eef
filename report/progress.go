package report

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"wskharness/results"
)

// bars draws one line for each target at the bottom of a terminal. The zero pointer draws nothing,
// so that the view need not ask.
type bars struct {
	progress *mpb.Progress
	palette  palette
	all      map[string]*bar // by target
}

func newBars(tty *os.File, p palette) *bars {
	return &bars{
		palette:  p,
		all:      make(map[string]*bar),
		progress: mpb.New(mpb.WithOutput(tty), mpb.WithRefreshRate(100*time.Millisecond)),
	}
}

// waiting is what a target does between its phases: the driver is being built.
const waiting = "waiting for the build"

// bar is the line of a target. Its state has a lock of its own, which is never held while mpb is
// called: mpb draws from its own goroutine, and Write waits for that.
type bar struct {
	bar     *mpb.Bar
	palette palette
	name    string // padded
	total   int
	begun   time.Time

	mu      sync.Mutex
	phaseOf string
	since   time.Time
	running string // case
	done    int
	bad     int
}

func (b *bars) add(p *results.PlanTarget, nameColumns int) {
	if b == nil {
		return
	}
	now := time.Now()
	line := &bar{
		palette: b.palette,
		name:    pad(Printable(p.Name), nameColumns),
		total:   len(p.Cases) * max(1, p.Repeat),
		begun:   now, since: now,
		phaseOf: waiting,
	}
	added, err := b.progress.Add(0, mpb.BarFillerFunc(line.fill), mpb.BarFillerTrim())
	if err != nil {
		return // the progress was stopped already
	}
	line.bar = added
	b.all[p.Name] = line
}

// of is the line of a target; nil where there is none.
func (b *bars) of(target string) *bar {
	if b == nil {
		return nil
	}
	return b.all[target]
}

// Write prints whole lines above the bars.
func (b *bars) Write(p []byte) (int, error) { return b.progress.Write(p) }

// stop takes the bars away, after what was written is on the screen.
func (b *bars) stop() {
	if b == nil {
		return
	}
	for _, line := range b.all {
		line.remove()
	}
	b.progress.Wait()
}

func (l *bar) remove() {
	if l != nil {
		l.bar.Abort(true)
	}
}

// change is what every change of the line goes through. A target without a line has the nil one.
func (l *bar) change(how func()) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running, l.since = "", time.Now()
	how()
}

func (l *bar) phase(p *results.Phase) {
	l.change(func() {
		l.phaseOf = waiting
		if p.State == results.PhaseStarted {
			l.phaseOf = Printable(p.Name)
		}
	})
}

func (l *bar) begin(name string) { l.change(func() { l.running = Printable(name) }) }

func (l *bar) end(done, bad int) { l.change(func() { l.done, l.bad = done, bad }) }

// fill draws the line. mpb calls it, at its own pace.
func (l *bar) fill(w io.Writer, stat decor.Statistics) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := io.WriteString(w, l.draw(time.Now(), stat.AvailableWidth))
	return err
}

func (l *bar) draw(now time.Time, width int) string {
	what := l.phaseOf
	if l.running != "" {
		what = l.running
	}
	if took := now.Sub(l.since); took >= 300*time.Millisecond {
		what += fmt.Sprintf(" %.1fs", took.Seconds())
	}
	figures := fmt.Sprintf("%d/%d", min(l.done, l.total), l.total)
	bad := ""
	if l.bad > 0 {
		bad = fmt.Sprintf("  %d bad", l.bad)
	}
	all := fmt.Sprintf("  %.1fs", now.Sub(l.begun).Seconds())
	bar := min(24, width/5)
	used := 2 + columns(l.name) + 2 + bar + 2 + columns(figures) + columns(bad) + columns(all) + 2
	if room := width - used; room > 8 {
		what = "  " + pad(fit(what, room), room)
	} else {
		what = ""
	}
	sgr := green
	if l.bad > 0 {
		sgr = red
	}
	line := "  " + l.palette.paint(bold, l.name) + "  " + l.palette.bar(bar, float64(min(l.done, l.total))/float64(max(1, l.total)), sgr) + "  " + figures +
		l.palette.paint("1;31", bad) + what + l.palette.paint(dim, all)
	if used > width {
		return fit("  "+strings.TrimSpace(l.name)+" "+figures, width)
	}
	return line
}
