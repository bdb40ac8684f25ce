package orguserstest

import (
	"slices"
	"time"
)

// MailKind is what a mail is about.
type MailKind string

// What mails are about.
const (
	MailInvitation          MailKind = "invitation"            // of somebody new, or again of somebody who was invited before
	MailResentInvitation    MailKind = "resent invitation"     // asked for by the uid of the invitation
	MailRoleChange          MailKind = "role change"           // a member has other organization roles
	MailStackShared         MailKind = "stack shared"          // somebody was given a stack
	MailOwnershipTransfer   MailKind = "ownership transfer"    // somebody is offered the organization
	MailPasswordReset       MailKind = "password reset"        // somebody chooses a new password
	MailForcedPasswordReset MailKind = "forced password reset" // somebody has to
	MailMFAReset            MailKind = "MFA reset"             // somebody sets up a second factor anew
)

// Mail is a mail that the service would have sent.
type Mail struct {
	Kind MailKind
	To   string
	// Organization is the uid of the organization that the mail speaks for, and
	// empty where it speaks for none.
	Organization string
	// Message is the text that came with an invitation.
	Message string
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
