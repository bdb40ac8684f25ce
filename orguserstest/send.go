package orguserstest

import (
	"bytes"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"time"
)

// send writes an answer, the way an effect wants it.
func (s *Server) send(w http.ResponseWriter, r *http.Request, a answer, e Effect) {
	switch e.kind {
	case kindReset:
		breakOff(w)
	case kindHang:
		s.hang(r.Context())
	case kindDelay:
		s.pause(r.Context(), e.wait)
	case kindEmptyBody:
		a.body = nil
	case kindTruncatedJSON:
		a.body = a.body[:len(a.body)/2]
	}

	length := int64(len(a.body))
	if e.kind == kindHuge {
		length = max(e.bytes, int64(len(hugeStart)+len(hugeEnd)))
	}
	maps.Copy(w.Header(), a.header)
	w.Header().Set("Content-Length", strconv.FormatInt(length, 10))
	w.WriteHeader(a.status)

	switch e.kind {
	case kindCutBody:
		write(w, a.body[:len(a.body)/2]) // net/http closes a connection that is owed more
	case kindResetBody:
		write(w, a.body[:len(a.body)/2])
		flush(w)
		breakOff(w)
	case kindSlowBody:
		s.sendSlowly(w, r, a.body, e.wait)
	case kindHuge:
		write(w, []byte(hugeStart))
		filler := bytes.Repeat([]byte{'x'}, 32<<10)
		for left := length - int64(len(hugeStart)+len(hugeEnd)); left > 0; left -= int64(len(filler)) {
			write(w, filler[:min(left, int64(len(filler)))])
		}
		write(w, []byte(hugeEnd))
	default:
		write(w, a.body)
	}
}

// A huge body is an object with one long string.
const hugeStart, hugeEnd = `{"notice":"`, `"}`

func (s *Server) sendSlowly(w http.ResponseWriter, r *http.Request, body []byte, d time.Duration) {
	const pieces = 10
	flush(w)
	for i := range pieces {
		s.pause(r.Context(), d/pieces)
		write(w, body[len(body)*i/pieces:len(body)*(i+1)/pieces])
		flush(w)
	}
}

// write ends the request when its client is no longer there.
func write(w io.Writer, b []byte) {
	if _, err := w.Write(b); err != nil {
		panic(http.ErrAbortHandler)
	}
}

func flush(w http.ResponseWriter) {
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
}

// breakOff ends the request without a word. On a real connection the client
// sees a reset.
func breakOff(w http.ResponseWriter) {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	conn, _, err := hijacker.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // without it the client sees an orderly end
	}
	_ = conn.Close()
	panic(http.ErrAbortHandler)
}
