package orguserstest

import (
	"slices"
	"time"
)

// MailKind is what a mail is about.
type MailKind string

// MailPasswordReset is the mail with which somebody chooses a new password.
const MailPasswordReset MailKind = "password reset"

// Mail is a mail that the service would have sent.
type Mail struct {
	Kind MailKind
	To   string
	// SentAt is in the organization's time.
	SentAt time.Time
}

// Outbox is every mail so far, oldest first.
func (s *Server) Outbox() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.outbox)
}

// post puts a mail into the outbox. The server is locked.
func (s *Server) post(m Mail) {
	m.SentAt = time.UnixMilli(s.now()).UTC()
	s.outbox = append(s.outbox, m)
}
