package main

import (
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"path/filepath"

	"golang.org/x/oauth2"

	"github.com/orgusers/orgusers/examples/internal/program"
	"github.com/orgusers/orgusers/orguserstest"
)

// The client and its token endpoint in the environment.
const (
	clientID     = "CONTENTSTACK_OAUTH_CLIENT_ID"
	clientSecret = "CONTENTSTACK_OAUTH_CLIENT_SECRET"
	tokenURL     = "CONTENTSTACK_OAUTH_TOKEN_URL"
)

// tokensOf are the tokens of a fake, or else those of a file. Each renewal is
// told to said, and saved in the file.
func tokensOf(fake *orguserstest.Server, file string, said func()) (*source, error) {
	if fake != nil {
		if file != "" {
			return nil, program.Misuse("-tokens is for a real organization, and no variable of one is set: leave it out")
		}
		config := newConfig(fake.TokenURL(), orguserstest.OAuthClientID, orguserstest.OAuthClientSecret)
		return newSource(config, &oauth2.Token{RefreshToken: fake.RefreshToken()}, func(*oauth2.Token) error { said(); return nil }), nil
	}
	config, err := configOfEnvironment()
	if err != nil {
		return nil, err
	}
	token, err := readTokens(file)
	if err != nil {
		return nil, err
	}
	return newSource(config, token, func(token *oauth2.Token) error { said(); return saveTokens(file, token) }), nil
}

func newConfig(endpoint, id, secret string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: id, ClientSecret: secret,
		// Without a style it tries two, and a refresh token is good for one.
		Endpoint: oauth2.Endpoint{TokenURL: endpoint, AuthStyle: oauth2.AuthStyleInParams},
	}
}

func configOfEnvironment() (*oauth2.Config, error) {
	id, endpoint := os.Getenv(clientID), os.Getenv(tokenURL)
	if id == "" || endpoint == "" {
		return nil, program.Misuse("%s and %s must be set: they are those of your OAuth app", clientID, tokenURL)
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !program.OnLoopback(u.Hostname())) {
		return nil, program.Misuse("%s must be https, or http on loopback", tokenURL)
	}
	return newConfig(endpoint, id, os.Getenv(clientSecret)), nil
}

func readTokens(file string) (*oauth2.Token, error) {
	if file == "" {
		return nil, program.Misuse("-tokens: name the file with the refresh token")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, program.Misuse("-tokens: %w", err)
	}
	token := new(oauth2.Token)
	if json.Unmarshal(text, token) != nil || token.RefreshToken == "" {
		return nil, program.Misuse("-tokens %s: it must be JSON with a refresh_token, as a token endpoint answers", file)
	}
	return token, nil
}

// saveTokens replaces the file with one that only its user can read, or leaves
// it as it was.
func saveTokens(file string, token *oauth2.Token) error {
	text, err := json.Marshal(token) //nolint:gosec // the secrets are what the file is for
	if err != nil {
		return err
	}
	written, err := os.CreateTemp(filepath.Dir(file), ".tokens-*") // of mode 0600
	if err != nil {
		return err
	}
	_, err = written.Write(text)
	err = errors.Join(err, written.Sync(), written.Close())
	if err == nil {
		err = os.Rename(written.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(written.Name()))
	}
	return nil
}
