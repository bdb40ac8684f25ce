package program

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// lineEvery separates the lines of a progress that is no bar: a log should not
// fill with them.
const lineEvery = 10 * time.Second

// Progress shows how far a program is: as a bar on a terminal, and elsewhere
// as a line every ten seconds. It has no colors, so there is nothing for
// NO_COLOR to turn off. It is for one goroutine.
type Progress struct {
	name, what string
	to         io.Writer
	bar        *progressbar.ProgressBar // nil where lines are written instead
	visible    bool                     // the bar
	lastLine   time.Time
}

// NewProgress makes a progress of what, users say, for the named program. Time
// counts from here.
func NewProgress(name, what string, stderr io.Writer) *Progress {
	p := &Progress{name: name, what: what, to: stderr, lastLine: time.Now()}
	if IsTerminal(stderr) && os.Getenv("TERM") != "dumb" {
		p.bar = progressbar.NewOptions(1, // until the total is known
			progressbar.OptionSetWriter(stderr),
			progressbar.OptionSetDescription(name),
			progressbar.OptionShowCount(),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionFullWidth(),
			progressbar.OptionClearOnFinish(),
		)
		p.bar.StartWithoutRender()
	}
	return p
}

// Set shows that so much of a total is done. The total may change, and is not
// known if it is negative. An error of the terminal's is none of the program's.
func (p *Progress) Set(done, total int) {
	if p.bar != nil && total > 0 {
		if total != p.bar.GetMax() {
			p.bar.ChangeMax(total)
		}
		_ = p.bar.Set(min(done, total))
		p.visible = true
		return
	}
	if time.Since(p.lastLine) < lineEvery {
		return
	}
	p.lastLine = time.Now()
	p.Clear()
	if total > 0 {
		Say(p.to, "%s: %d of %d %s", p.name, done, total, p.what)
	} else {
		Say(p.to, "%s: %d %s", p.name, done, p.what)
	}
}

// Clear takes the bar off the terminal until the next Set, so that something
// else can be shown.
func (p *Progress) Clear() {
	if p.visible {
		_ = p.bar.Clear()
		p.visible = false
	}
}

// IsTerminal tells whether somebody looks at what is written.
func IsTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
