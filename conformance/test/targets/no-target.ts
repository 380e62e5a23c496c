export const tarket = { name: "misspelt" };
