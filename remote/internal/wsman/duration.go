package wsman

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"time"
)

var durationForm = regexp.MustCompile(`^P(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,12}(?:\.\d{1,9})?)S)?)?$`)

// FormatDuration writes d as an xs:duration in seconds, the only unit that Windows itself uses for
// time-outs (recorded: PT7200.000S).
func FormatDuration(d time.Duration) string { return fmt.Sprintf("PT%.3fS", d.Seconds()) }

// ParseDuration reads an xs:duration of days, hours, minutes and seconds. Years and months, which
// have no fixed length, are refused, and so is what a time.Duration cannot hold.
func ParseDuration(text string) (time.Duration, error) {
	m := durationForm.FindStringSubmatch(text)
	if m == nil || text == "P" || text[len(text)-1] == 'T' {
		return 0, fmt.Errorf("%q is not a duration like PT20S", text)
	}
	total := 0.0
	for i, unit := range []float64{86400, 3600, 60, 1} {
		if m[i+1] == "" {
			continue
		}
		n, err := strconv.ParseFloat(m[i+1], 64)
		if err != nil {
			return 0, fmt.Errorf("%q is not a duration like PT20S: %w", text, err)
		}
		total += n * unit
	}
	if total > math.MaxInt64/float64(time.Second)/2 {
		return 0, fmt.Errorf("duration %q is too long", text)
	}
	return time.Duration(total * float64(time.Second)), nil
}
