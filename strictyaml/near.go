package strictyaml

import (
	"cmp"
	"slices"
	"strings"
)

// near returns the candidates that name may have been meant to be, best first, at most three.
func near(name string, candidates []string) []string {
	type scored struct {
		name     string
		distance int
	}
	name = strings.ToLower(name)
	// A third of the letters wrong is still a slip; more is another word.
	limit := max(1, len(name)/3)
	var found []scored
	for _, c := range candidates {
		lower := strings.ToLower(c)
		d := distance(name, lower, limit)
		contained := len(name) >= 4 && strings.Contains(lower, name)
		if d > limit && contained {
			d = 2*limit + 1 // only where nothing is closer
		}
		if d <= limit || contained {
			found = append(found, scored{c, d})
		}
	}
	slices.SortStableFunc(found, func(a, b scored) int { return cmp.Compare(a.distance, b.distance) })
	var names []string
	for _, f := range found {
		if f.distance > 2*found[0].distance {
			break // much further off than the best
		}
		if !slices.Contains(names, f.name) {
			names = append(names, f.name)
		}
		if len(names) == 3 {
			break
		}
	}
	return names
}

// distance is how many letters have to be added, left out, replaced, or swapped with the next one to make b of
// a (optimal string alignment); limit+1 where it is more than limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	before, row, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next[0] = i + 1
		best := next[0]
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(row[j+1]+1, next[j]+1, row[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
			best = min(best, next[j+1])
		}
		if best > limit {
			return limit + 1
		}
		before, row, next = row, next, before
	}
	return row[len(b)]
}

// Hint turns near matches into the end of a sentence: `; did you mean "capture"?`.
func Hint(name string, candidates []string) string {
	names := near(name, candidates)
	if len(names) == 0 {
		return ""
	}
	return `; did you mean "` + strings.Join(names, `" or "`) + `"?`
}
