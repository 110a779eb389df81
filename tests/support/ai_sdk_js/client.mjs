// Runs one task of the Vercel AI SDK against a server, and prints what came of it as JSON.
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import {
  experimental_generateSpeech as generateSpeech,
  experimental_transcribe as transcribe,
  generateText,
  Output,
  stepCountIs,
  streamText,
  tool,
} from "ai";
import { readFileSync } from "node:fs";
import { z } from "zod";

const { task, provider, baseURL, apiKey, prompt, sound } = JSON.parse(readFileSync(0, "utf8"));
const openai = createOpenAI({ baseURL, apiKey });
const compatible = createOpenAICompatible({
  name: "engine",
  baseURL,
  apiKey,
  supportsStructuredOutputs: true,
});
const model = {
  chat: openai.chat("local-engine"),
  responses: openai("local-engine"),
  compatible: compatible("local-engine"),
}[provider];

const tasks = {
  async text() {
    const { text, usage } = await generateText({ model, prompt });
    return { text, tokens: usage.outputTokens };
  },
  async stream() {
    const { textStream } = streamText({ model, prompt });
    let text = "";
    for await (const delta of textStream) text += delta;
    return { text };
  },
  async tool() {
    const cities = [];
    const weather = tool({
      description: "The weather in a city",
      inputSchema: z.object({ city: z.string() }),
      execute: async ({ city }) => (cities.push(city), "sunny"),
    });
    const { text } = await generateText({
      model, prompt, tools: { weather }, stopWhen: stepCountIs(3),
    });
    return { text, cities };
  },
  async object() {
    const schema = z.object({ name: z.string(), country: z.string() });
    const { output } = await generateText({ model, prompt, output: Output.object({ schema }) });
    return output;
  },
  async hear() {
    const file = { type: "file", mediaType: "audio/wav", data: Buffer.from(sound, "base64") };
    const { text } = await generateText({ model, messages: [{ role: "user", content: [file] }] });
    return { text };
  },
  async speech() {
    const { audio } = await generateSpeech({
      model: openai.speech("tts-1"), text: prompt, voice: "coral", outputFormat: "wav", speed: 1,
    });
    const { text, segments, language } = await transcribe({
      model: openai.transcription("whisper-1"),
      audio: audio.uint8Array,
      providerOptions: { openai: { timestampGranularities: ["word"] } },
    });
    return { text, words: segments.length, language, mediaType: audio.mediaType };
  },
};

console.log(JSON.stringify(await tasks[task]()));
