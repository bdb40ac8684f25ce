package main

import (
	"iter"
	"slices"
	"strings"

	"github.com/orgusers/orgusers/examples/internal/addresslist"
)

// noting notes a mistake in what is asked for.
type noting func(format string, args ...any)

// choice is what there is to choose from by name.
type choice struct {
	what   string
	things []thing
}

type thing struct{ uid, name string }

func read[T any](what string, list iter.Seq2[*T, error], each func(*T) thing) (*choice, error) {
	c := &choice{what: what}
	for item, err := range list {
		if err != nil {
			return nil, err
		}
		c.things = append(c.things, each(item))
	}
	return c, nil
}

// one finds the uid of one thing, by the uid itself or by name. It is empty
// where there is a mistake.
func (c *choice) one(asked string, note noting) string {
	asked = strings.TrimSpace(asked)
	var found []string
	for _, t := range c.things {
		if t.uid == asked {
			return t.uid
		}
		if strings.EqualFold(strings.TrimSpace(t.name), asked) {
			found = append(found, t.uid)
		}
	}
	switch len(found) {
	case 0:
		note("there is no %s %q; there are %s", c.what, addresslist.Short(asked), c.names())
		return ""
	case 1:
		return found[0]
	default:
		note("there is more than one %s %q; give one of %s instead", c.what, addresslist.Short(asked), strings.Join(found, ", "))
		return ""
	}
}

// all finds the uids of several things, each once.
func (c *choice) all(asked []string, note noting) []string {
	var uids []string
	for _, name := range asked {
		if uid := c.one(name, note); uid != "" && !slices.Contains(uids, uid) {
			uids = append(uids, uid)
		}
	}
	return uids
}

func (c *choice) names() string {
	const enough = 20
	var names []string
	for _, t := range c.things[:min(enough, len(c.things))] {
		names = append(names, t.name)
	}
	if len(c.things) > enough {
		names = append(names, "and others")
	}
	return strings.Join(names, ", ")
}
