package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"text/tabwriter"
)

// figure is one thing that is measured, over the runs.
type figure struct {
	name   string
	unit   string
	limit  float64 // what it must not exceed at the median; 0: none
	values []float64
}

func (b *bench) add(name, unit string, limit, value float64) {
	if !b.counted {
		return
	}
	f := b.figures[name]
	if f == nil {
		f = &figure{name: name, unit: unit, limit: limit}
		b.figures[name] = f
		b.order = append(b.order, f)
	}
	f.values = append(f.values, value)
}

func (b *bench) print() error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "median\tmin\tmax\t\tlimit\t  what")
	over := false
	for _, f := range b.order {
		slices.Sort(f.values)
		median, limit := f.values[len(f.values)/2], "-"
		if f.limit > 0 {
			limit = fmt.Sprint(f.limit)
			if median > f.limit {
				limit += " EXCEEDED"
				over = true
			}
		}
		fmt.Fprintf(w, "%.3f\t%.3f\t%.3f\t%s\t%s\t  %s\n", median, f.values[0], f.values[len(f.values)-1], f.unit, limit, f.name)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if over {
		return errors.New("a limit was exceeded")
	}
	return nil
}
