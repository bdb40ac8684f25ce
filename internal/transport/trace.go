package transport

import (
	"errors"
	"net"
	"net/http/httptrace"
	"sync/atomic"
)

// connectionTrace knows whether an attempt can have reached the server. Once
// a connection was had, some of the request may have gone out.
type connectionTrace struct {
	wanted, had atomic.Bool
}

func (t *connectionTrace) hooks() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { t.wanted.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { t.had.Store(true) },
	}
}

func (t *connectionTrace) reset() {
	t.wanted.Store(false)
	t.had.Store(false)
}

// unsent is true only on evidence. A RoundTripper that calls no hooks leaves
// none but a failed dial.
func (t *connectionTrace) unsent(err error) bool {
	if t.had.Load() {
		return false
	}
	var operation *net.OpError
	return t.wanted.Load() || errors.As(err, &operation) && operation.Op == "dial"
}
