package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
)

const defaultProfile = "default"

// profile is where the credentials of an account are, and what they are for.
type profile struct {
	Name string `json:"name"`
	// BaseURL is the service that issued the token. It is sent to no other.
	BaseURL         string `json:"base_url"`
	OrganizationUID string `json:"organization_uid,omitempty"`
	Email           string `json:"email,omitempty"`
	// Token is stored, or TokenCommand prints it.
	Token        string `json:"token,omitempty"`
	TokenCommand string `json:"token_command,omitempty"`
	OAuth        bool   `json:"oauth,omitempty"` // the token is an OAuth access token
}

// profiles is the file of profiles.
type profiles struct {
	Profiles []*profile `json:"profiles"`
	path     string
}

// readProfiles reads the file in the user's configuration directory. A file that
// is not there has no profiles.
func readProfiles() (*profiles, error) {
	all := &profiles{}
	directory, err := os.UserConfigDir()
	if err != nil {
		return all, nil //nolint:nilerr // without a home there are no profiles
	}
	all.path = filepath.Join(directory, "orgusers", "profiles.json")
	info, err := os.Stat(all.path)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return nil, badInput("%w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, badInput("%s has tokens, and others can read it (mode %04o): run chmod 600, and log in again if they may have", all.path, info.Mode().Perm())
	}
	text, err := os.ReadFile(all.path)
	if err != nil {
		return nil, badInput("%w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(all); err != nil {
		return nil, badInput("%s is not a file of profiles: %w", all.path, err)
	}
	if err := all.check(); err != nil {
		return nil, err
	}
	return all, nil
}

func (all *profiles) check() error {
	seen := map[string]bool{}
	for _, p := range all.Profiles {
		switch {
		case p == nil || p.Name == "":
			return badInput("%s: a profile has no name", all.path)
		case seen[p.Name]:
			return badInput("%s: two profiles have the name %q: remove or rename one", all.path, p.Name)
		case p.BaseURL == "":
			return badInput("%s: profile %q has no base_url, so it is not known which service its token is for", all.path, p.Name)
		case (p.Token == "") == (p.TokenCommand == ""):
			return badInput("%s: profile %q needs either a token or a token_command", all.path, p.Name)
		}
		seen[p.Name] = true
	}
	return nil
}

// find returns the profile with a name, or nil.
func (all *profiles) find(name string) *profile {
	i := slices.IndexFunc(all.Profiles, func(p *profile) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return all.Profiles[i]
}

// set stores a profile in the place of the one with its name. A nil profile
// deletes that.
func (all *profiles) set(name string, p *profile) {
	all.Profiles = slices.DeleteFunc(all.Profiles, func(other *profile) bool { return other.Name == name })
	if p != nil {
		all.Profiles = append(all.Profiles, p)
	}
}

// write replaces the file by a complete one that only the user can read.
func (all *profiles) write() error {
	if all.path == "" {
		return badInput("there is no configuration directory for profiles: set HOME")
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(all.path), 0o700); err != nil {
		return fmt.Errorf("the profile cannot be stored: %w", err)
	}
	if err := replaceFile(all.path, append(text, '\n')); err != nil {
		return fmt.Errorf("the profile cannot be stored: %w", err)
	}
	return nil
}
