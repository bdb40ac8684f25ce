package review

import (
	"fmt"
	"strings"
)

// identityRules are about who stands behind an address.
func (r *Report) identityRules() []rule {
	foreign := map[string]bool{}
	for _, d := range r.Domains {
		foreign[d.Name] = d.Foreign
	}
	domainMeaning := fmt.Sprintf("An address of a domain that few have: one address in %d at the most, or a single one.", rareOneIn)
	if len(r.Policy.Domains) > 0 {
		domainMeaning = "An address of a domain other than the organization's own: " + strings.Join(r.Policy.Domains, ", ") + "."
	}
	return []rule{{
		key:     "other_domain",
		title:   "Other domain",
		meaning: domainMeaning + " Contractors and private addresses are not always removed when somebody leaves.",
		find:    func(u *User) string { return onlyIf(foreign[u.domain()], u.domain()) },
	}, {
		key:   "same_mailbox",
		title: "Same mailbox",
		meaning: "Several addresses that are one mailbox at most providers: they differ in letter case alone, or in what follows a plus sign. " +
			"Who removes one of them may overlook the other.",
		find: r.sharing(mailbox, func(u *User) string { return u.UID }),
	}, {
		key:   "same_name",
		title: "Same name",
		meaning: "Users with the same first and last name, and addresses of different domains. They may be different people, " +
			"or one with a second account that outlives the first.",
		find: r.sharing(personName, (*User).domain),
	}, {
		key:   "misleading_characters",
		title: "Misleading characters",
		meaning: "An address with characters beyond ASCII, which can pass for another one, or a name or address with characters that are not seen " +
			"or that turn the text around, a name with a word that mixes Latin letters with Cyrillic or Greek ones, or with marks piled upon a letter.",
		find: misleading,
	}}
}

// sharing finds users who share a key that is not empty, and differ in
// something else.
func (r *Report) sharing(key, differ func(*User) string) func(*User) string {
	groups := map[string][]*User{} // of those that differ in it the first by address
	seen := map[[2]string]bool{}
	for _, u := range r.Users {
		k := key(u)
		if pair := [2]string{k, differ(u)}; k != "" && !seen[pair] {
			seen[pair] = true
			groups[k] = append(groups[k], u)
		}
	}
	return func(u *User) string {
		const few = 3
		group := groups[key(u)]
		if len(group) < 2 {
			return ""
		}
		var emails []string
		for _, other := range group[:min(few+1, len(group))] { // one of the group is no other
			if differ(other) != differ(u) && len(emails) < few {
				emails = append(emails, other.Email)
			}
		}
		remark := "also " + strings.Join(emails, ", ")
		if more := len(group) - 1 - len(emails); more > 0 {
			remark += fmt.Sprintf(" and %d more", more)
		}
		return remark
	}
}

// mailbox is where mail to an address arrives.
func mailbox(u *User) string {
	at := strings.LastIndexByte(u.Email, '@')
	if at < 0 {
		return ""
	}
	local, _, _ := strings.Cut(u.Email[:at], "+")
	return strings.ToLower(local + u.Email[at:])
}

// personName is a whole name as people compare names.
func personName(u *User) string {
	if u.Name == "" || u.from.FirstName == "" || u.from.LastName == "" {
		return ""
	}
	return strings.Join(strings.Fields(strings.ToLower(u.Name)), " ")
}
