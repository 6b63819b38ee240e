// One session for the life of the component. What is shown is the session's snapshot; changed words steer the music that plays.
import { Session } from 'melody/player';
import { useEffect, useRef, useState } from 'react';

export function Player({ src }) {
  const session = useRef();
  const [snapshot, setSnapshot] = useState();
  const [prompt, setPrompt] = useState('calm piano, 80 bpm');

  useEffect(() => {
    session.current = new Session({ onChange: setSnapshot });
    return () => void session.current.dispose();
  }, []);

  const state = snapshot?.state ?? 'empty';
  const sounds = state === 'playing' || state === 'buffering' || state === 'paused';

  async function play() {
    if (snapshot?.model || (await session.current.load(src))) await session.current.play({ prompt });
  }

  function change({ target }) {
    setPrompt(target.value);
    if (sounds) session.current.steer({ prompt: target.value });
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (sounds) session.current.stop();
        else play();
      }}
    >
      <label>
        Music <input value={prompt} onChange={change} />
      </label>
      <button type="submit">{sounds ? 'Stop' : 'Play'}</button>
      <output>{snapshot?.error?.message ?? state}</output>
    </form>
  );
}
