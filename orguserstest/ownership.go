package orguserstest

import "net/http"

var ownershipRoutes = []route{
	{method: http.MethodPost, pattern: "/v3/organizations/{organization_uid}/transfer-ownership", operation: "transfer ownership", write: true, handle: (*Server).transferOwnership},
}

// transferOwnership offers the organization to a member. The owner stays the
// owner, as no request is known that would accept the offer.
func (s *Server) transferOwnership(c *call) answer {
	org := c.organization
	if org.owner != c.caller {
		return forbidden()
	}
	var asked struct {
		To string `json:"transfer_to"`
	}
	if refused := c.decode(&asked); refused != nil {
		return *refused
	}
	row := org.rows.find(asked.To)
	if row == nil || row.pending || row.owner {
		return invalid("transfer_to")
	}
	org.transferring, org.updated = true, s.now()
	s.post(Mail{Kind: MailOwnershipTransfer, To: row.email, Organization: org.uid})
	s.audit(c, "transfer ownership", row.email)
	return reply(object{"notice": "Email has been successfully sent to the user."})
}
