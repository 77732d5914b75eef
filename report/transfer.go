package report

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// TransferOptions say where and how a [Transfer] is shown.
type TransferOptions struct {
	Err    io.Writer
	What   string              // "push README.md"
	Quiet  bool                // show nothing; what is written to the Transfer still goes to Err
	Getenv func(string) string // default os.Getenv: NO_COLOR, CLICOLOR_FORCE, TERM

	// first and every are when plain lines come where there is no terminal: 2 s and 5 s when zero.
	// first also delays the line on a terminal, there by 300 ms when zero.
	first, every time.Duration
}

// Transfer shows how far files on their way are: one line at the bottom of a terminal, with a rate
// and the time that remains; plain lines elsewhere, and those only where it takes long. Its methods
// may be called from several goroutines. Close must be called.
type Transfer struct {
	opts    TransferOptions
	palette palette

	mu    sync.Mutex
	meter meter
	timer *time.Timer // of the next plain line, or of the line's first appearance
	bars  *mpb.Progress
	bar   *mpb.Bar
	over  bool
}

// NewTransfer begins to show one.
func NewTransfer(opts TransferOptions) *Transfer {
	if opts.Getenv == nil {
		opts.Getenv = os.Getenv
	}
	t := &Transfer{opts: opts, meter: meter{begun: time.Now()}}
	tty := terminalOf(opts.Err)
	if opts.Getenv("TERM") == "dumb" {
		tty = nil
	}
	t.palette = coloring(tty != nil, opts.Getenv)
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case opts.Quiet:
	case tty != nil:
		t.timer = time.AfterFunc(cmp.Or(opts.first, 300*time.Millisecond), func() { t.draw(tty) })
	default:
		t.timer = time.AfterFunc(cmp.Or(opts.first, 2*time.Second), t.say)
	}
	return t
}

// Update tells how many bytes of how many are there.
func (t *Transfer) Update(done, total int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.meter.note(time.Now(), done, total)
}

// Write takes whole lines for people to Err, above the line on a terminal.
func (t *Transfer) Write(p []byte) (int, error) {
	t.mu.Lock()
	bars := t.bars
	t.mu.Unlock()
	if bars != nil { // not with the lock: it waits for a drawing, which needs that
		if n, err := bars.Write(p); err == nil || n > 0 {
			return n, err
		} // it has ended meanwhile
	}
	return t.opts.Err.Write(p)
}

// Close ends the progress and takes its line away. It may be called more than once.
func (t *Transfer) Close() {
	t.mu.Lock()
	t.over = true
	if t.timer != nil {
		t.timer.Stop()
	}
	bars, bar := t.bars, t.bar
	t.bars, t.bar = nil, nil
	t.mu.Unlock()
	if bars != nil {
		bar.Abort(true)
		bars.Wait()
	}
}

// draw puts the line on the terminal.
func (t *Transfer) draw(tty *os.File) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return
	}
	bars := mpb.New(mpb.WithOutput(tty), mpb.WithRefreshRate(100*time.Millisecond))
	bar, err := bars.Add(0, mpb.BarFillerFunc(t.fill), mpb.BarFillerTrim())
	if err != nil {
		return // nothing can be drawn
	}
	t.bars, t.bar = bars, bar
}

// fill is called by mpb, at its own pace and on its own goroutine.
func (t *Transfer) fill(w io.Writer, stat decor.Statistics) error {
	t.mu.Lock()
	line := t.meter.line(time.Now(), Printable(t.opts.What), stat.AvailableWidth, t.palette)
	t.mu.Unlock()
	_, err := io.WriteString(w, line)
	return err
}

// say writes a plain line, and sees to the next.
func (t *Transfer) say() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return
	}
	parts := t.meter.figures(time.Now())
	// One that can't be written is no reason to stop the transfer.
	fmt.Fprintln(t.opts.Err, Printable(t.opts.What)+": "+strings.Join(parts, ", "))
	t.timer.Reset(cmp.Or(t.opts.every, 5*time.Second))
}

// meter knows how far and how fast something goes. Some things go in great steps, such as ranges of
// a large file, so that it takes care not to find them fast at a step and stalled between two.
type meter struct {
	begun       time.Time
	done, total int64
	samples     []sample // where done changed: those of the last rateWindow, and at least two; oldest first
}

type sample struct {
	at   time.Time
	done int64
}

const (
	rateWindow = 5 * time.Second // what the rate is averaged over
	sampleStep = 100 * time.Millisecond
	rateAfter  = 500 * time.Millisecond // a rate over less says nothing
	stallAfter = 20 * time.Second
)

// note takes in how far it is. What the first note says was there before counts for no rate.
func (m *meter) note(now time.Time, done, total int64) {
	if n := len(m.samples); n == 0 || done != m.done {
		if n > 1 && now.Sub(m.samples[n-2].at) < sampleStep {
			m.samples = m.samples[:n-1] // the newest stands for it, too
		}
		m.samples = append(m.samples, sample{now, done})
	}
	m.done, m.total = done, total
	old := 0
	for old+2 < len(m.samples) && now.Sub(m.samples[old+1].at) >= rateWindow {
		old++
	}
	m.samples = m.samples[old:]
}

// rate is bytes a second over the last seconds or steps, and whether that is known.
func (m *meter) rate(now time.Time) (float64, bool) {
	if len(m.samples) < 2 {
		return 0, false
	}
	first := m.samples[0]
	since := now.Sub(first.at)
	if since < rateAfter {
		return 0, false
	}
	return float64(m.done-first.done) / since.Seconds(), true
}

// left is the time that remains at this rate, and whether that can be said.
func (m *meter) left(rate float64) (time.Duration, bool) {
	seconds := float64(m.total-m.done) / rate
	if rate < 1 || seconds > (100*time.Hour).Seconds() {
		return 0, false
	}
	return time.Duration(seconds * float64(time.Second)), true
}

// figures are what is known: how far, how fast, how long yet.
func (m *meter) figures(now time.Time) []string {
	if len(m.samples) == 0 {
		return []string{"getting ready " + clock(now.Sub(m.begun))}
	}
	parts := []string{fmt.Sprintf("%s of %s", Bytes(m.done), Bytes(m.total))}
	if m.total > 0 {
		parts[0] += fmt.Sprintf(" (%d%%)", 100*m.done/m.total)
	}
	if m.done >= m.total {
		return append(parts, "checking")
	}
	if quiet := now.Sub(m.samples[len(m.samples)-1].at); quiet >= stallAfter {
		return append(parts, "nothing new for "+clock(quiet))
	}
	rate, ok := m.rate(now)
	if !ok {
		return parts
	}
	parts = append(parts, Rate(rate))
	if left, ok := m.left(rate); ok {
		parts = append(parts, clock(left)+" left")
	}
	return parts
}

// clock writes a time that somebody waits for: whole seconds, of an even width.
func clock(d time.Duration) string {
	d = d.Round(time.Second)
	if d >= time.Hour {
		return fmt.Sprintf("%d:%02d:%02d", d/time.Hour, d%time.Hour/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%d:%02d", d/time.Minute, d%time.Minute/time.Second)
}

// Rate writes bytes a second as a person wants them.
func Rate(perSecond float64) string { return Bytes(int64(perSecond)) + "/s" }

// line is the line on a terminal of that width: what gives way first is the bar, then the
// name, then the last of the figures.
func (m *meter) line(now time.Time, what string, width int, p palette) string {
	least := min(12, columns(what)) // of the name
	parts := m.figures(now)
	for len(parts) > 1 && columns(strings.Join(parts, "  "))+least+4 > width {
		parts = parts[:len(parts)-1]
	}
	figures := strings.Join(parts, "  ")
	room := width - 2 - columns(figures) - 2
	bar := min(24, width/5)
	if room-columns(what) < bar+2 || m.total == 0 {
		bar = 0
	}
	if bar > 0 {
		room -= bar + 2
	}
	line := "  " + p.paint(bold, fit(what, min(columns(what), room)))
	if bar > 0 {
		line += "  " + p.bar(bar, float64(min(m.done, m.total))/float64(m.total), green)
	}
	return line + "  " + figures
}
